import type { Clock } from "../support/clock.ts";
import { firstEventIdAt } from "../store/delivery_id.ts";
import type { EventStore } from "../store/port/events.ts";
import type { RecordStore } from "../store/port/records.ts";
import { stopsSending } from "./twilio/error_table.ts";
import { readTextStatus, statusRecordName } from "./status_record.ts";
import type { Begun } from "./progress.ts";
import type { SmsSender } from "./twilio/client.ts";
import type { ListedMessage, Listing, ListRequest, TwilioListing } from "./twilio/listing.ts";

/** A part that may have left. */
export interface Doubt {
  readonly deliveryId: string;
  readonly sessionId: string | null;
  /** Counts from 1. */
  readonly part: number;
  readonly begun: Begun;
  /** E.164. */
  readonly to: string;
  /** Whom it was to leave from; null: perhaps from another than would be taken now. */
  readonly sender: SmsSender | null;
  readonly body: string;
  /** SIDs of other parts of the same text. */
  readonly otherSids: readonly string[];
  /** The look is over by then (Unix ms), whatever it has learnt: before the lease ends, so that it can be written down. */
  readonly untilMs: number;
}

export type DoubtFinding =
  | { readonly kind: "found"; readonly sid: string }
  /** It has surely not left, and never will. */
  | { readonly kind: "absent" }
  | { readonly kind: "look-again"; readonly atMs: number; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string }
  /** Twilio refuses the account itself. */
  | { readonly kind: "stopped"; readonly code: number };

export interface DoubtOptions {
  readonly twilio: TwilioListing;
  readonly history: Pick<EventStore, "listEvents">;
  readonly records: Pick<RecordStore, "readRecord">;
  /** The waits of the ladder (`WEBHOOK_RETRY_S`), of which the look-ups take their own. */
  readonly retryWaitsMs: readonly number[];
  /** Of one request to Twilio. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Looks at Twilio for what became of a part; once per call. Throws `StoreUnavailable`. */
export type ResolveDoubt = (doubt: Doubt, signal: AbortSignal) => Promise<DoubtFinding>;

// One customer's messages; more than these are not read, and then nothing counts as absent.
const PAGES_OF_CUSTOMER = { pageSize: 200, maxPages: 5 };
/** The account's newest messages, to see how far the list has come. */
const NEWEST = { pageSize: 20, maxPages: 1 };
const EVENTS_PER_PAGE = 200;
const MAX_EVENT_PAGES = 10;

export function createDoubtResolver(options: DoubtOptions): ResolveDoubt {
  const { twilio, clock, timeoutMs, retryWaitsMs } = options;

  return async function resolve(doubt, signal) {
    const { begun, to, untilMs } = doubt;
    const told = await sidFromReports(options.records, doubt, clock.now());
    if (told !== null) return { kind: "found", sid: told };
    const list = (request: Omit<ListRequest, "signal" | "withinMs">) =>
      twilio.list({ ...request, signal, withinMs: untilMs - clock.now() });
    const schedule = () => ({ lookUps: begun.lookUps + 1, nowMs: clock.now(), retryWaitsMs });

    // First this, then the customer's messages: how far the list has come says nothing of what was read before.
    const newest = isLateEnough(begun, { nowMs: clock.now(), timeoutMs })
      ? await list(NEWEST)
      : null;
    if (newest?.kind === "failed") return afterFailure(newest, schedule());
    const listing = await list({ to, ...PAGES_OF_CUSTOMER });
    if (listing.kind === "failed") return afterFailure(listing, schedule());

    const known = await knownSids(options.history, doubt);
    const match = matchListing(doubt, listing, known.sids);
    if (match.kind === "found") {
      // The same words may be another text's, which then would count as sent in the place of this one.
      const reason = "too many texts have left meanwhile to tell the same words apart";
      return known.complete ? match : afterNothing(reason, schedule());
    }
    const isAbsent = match.kind === "clear" && newest !== null &&
      hasPassed(newest, endOf(begun, timeoutMs));
    return isAbsent ? { kind: "absent" } : afterNothing(match.reason, schedule());
  };
}

interface Schedule {
  /** This one included. */
  readonly lookUps: number;
  readonly nowMs: number;
  readonly retryWaitsMs: readonly number[];
}

/** The first look-up follows soon: mostly Twilio's list has the message within a second. */
const SOON_MS = 2_000;
/** A list that answers is asked so often; one that fails once more. */
const LOOK_UPS = 3;

/** How long to wait before the look-up after `lookUps` others; null: there is to be none. With the default ladder 2, 5, 30, 120 s. */
export function lookUpWaitMs(lookUps: number, retryWaitsMs: readonly number[]): number | null {
  const first = retryWaitsMs[0] ?? SOON_MS;
  const waitsMs = [Math.min(SOON_MS, first), first, retryWaitsMs[1] ?? first];
  return [...waitsMs, retryWaitsMs[2] ?? waitsMs[2]][lookUps] ?? null;
}

function afterFailure(
  { passing, reason, code, status }: Extract<Listing, { kind: "failed" }>,
  { lookUps, nowMs, retryWaitsMs }: Schedule,
): DoubtFinding {
  if (stopsSending(code, status)) return { kind: "stopped", code: code ?? 20003 };
  const waitMs = passing ? lookUpWaitMs(lookUps, retryWaitsMs) : null;
  return waitMs === null
    ? { kind: "unknown", reason }
    : { kind: "look-again", atMs: nowMs + waitMs, reason };
}

function afterNothing(
  reason: string,
  { lookUps, nowMs, retryWaitsMs }: Schedule,
): DoubtFinding {
  const waitMs = lookUps < LOOK_UPS ? lookUpWaitMs(lookUps, retryWaitsMs) : null;
  return waitMs === null
    ? { kind: "unknown", reason }
    : { kind: "look-again", atMs: nowMs + waitMs, reason };
}

type Match =
  | { readonly kind: "found"; readonly sid: string }
  /** Nothing in the list can be it. */
  | { readonly kind: "clear"; readonly reason: string }
  /** The list was not read to its end, or holds a message that might be it. */
  | { readonly kind: "unclear"; readonly reason: string };

/** Twilio tells times in whole seconds, and so does the clock in its answers. */
const ROUNDING_MS = 3_000;
/** How far the clocks may be apart when Twilio's answer did not tell its time. */
const CLOCKS_APART_MS = 60_000;

/**
 * Whether the list has the part. A message of other words that nobody accounts for may still be it, as Twilio alters bodies
 * (Smart Encoding, a trial account's preface, redaction): then nothing is certain. Pure.
 */
export function matchListing(
  { begun, sender, body }: Pick<Doubt, "begun" | "sender" | "body">,
  { messages, complete, aheadMs }: Extract<Listing, { kind: "listed" }>,
  knownSids: ReadonlySet<string>,
): Match {
  const sinceMs = aheadMs === null
    ? begun.firstAtMs - CLOCKS_APART_MS
    : begun.firstAtMs + aheadMs - ROUNDING_MS;
  const candidates = messages.filter((message) =>
    message.outbound && message.createdAtMs >= sinceMs && !knownSids.has(message.sid) &&
    isFrom(message, sender)
  );
  const found = candidates.filter((message) => sameText(message.body, body))
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs)[0];
  if (found !== undefined) return { kind: "found", sid: found.sid };
  if (candidates.length > 0) {
    return { kind: "unclear", reason: "Twilio lists a text in other words that may be this one" };
  }
  return complete
    ? { kind: "clear", reason: "Twilio does not list the text" }
    : { kind: "unclear", reason: "Twilio lists more texts to this customer than can be read" };
}

function isFrom(message: ListedMessage, sender: SmsSender | null): boolean {
  if (sender === null) return true;
  return "from" in sender
    ? message.from === sender.from
    : message.messagingServiceSid === sender.messagingServiceSid;
}

function sameText(listed: string, sent: string): boolean {
  const plain = (text: string) => text.replaceAll("\r\n", "\n").trim();
  return plain(listed) === plain(sent);
}

/** After an answer of Twilio's nothing of the call is under way any more. */
const SURE_AFTER_ANSWER_MS = 5_000;
/** Without one the request may still lie somewhere on its way. */
const SURE_AFTER_SILENCE_MS = 30_000;

function endOf(begun: Begun, timeoutMs: number): number {
  return begun.endedAtMs ?? begun.atMs + timeoutMs;
}

/**
 * When a message that is not listed may count as absent at all. The list follows what happens at some distance, so time alone
 * proves nothing: {@link hasPassed} is asked too.
 */
function isLateEnough(begun: Begun, now: { nowMs: number; timeoutMs: number }): boolean {
  const marginMs = begun.answered ? SURE_AFTER_ANSWER_MS : SURE_AFTER_SILENCE_MS;
  return now.nowMs >= endOf(begun, now.timeoutMs) + marginMs;
}

/** Whether the list shows a message, anybody's, that was created after the call had ended: then it has come past ours. */
function hasPassed(
  newest: Extract<Listing, { kind: "listed" }>,
  endedAtMs: number,
): boolean {
  const pastMs = newest.aheadMs === null
    ? endedAtMs + CLOCKS_APART_MS
    : endedAtMs + newest.aheadMs + ROUNDING_MS;
  return newest.messages.some(({ createdAtMs }) => createdAtMs >= pastMs);
}

/** Twilio's reports carry our own ids: one for this part names its SID, whatever the list says. */
async function sidFromReports(
  records: DoubtOptions["records"],
  { deliveryId, sessionId, part, otherSids }: Doubt,
  nowMs: number,
): Promise<string | null> {
  if (sessionId === null) return null;
  const name = statusRecordName({ deliveryId, sessionId });
  const { messages } = readTextStatus(await records.readRecord(name, nowMs));
  const [sid] = Object.entries(messages)
    .find(([sid, message]) => message.part === part && !otherSids.includes(sid)) ?? [];
  return sid ?? null;
}

/**
 * The SIDs of all texts that have left through Patchbay since shortly before the call: the same words to the same customer are
 * then told apart. Not complete where more have left than are read; those of the session itself are read all the same,
 * as agents repeat themselves far more often than two of them write the same to one customer.
 */
async function knownSids(
  history: DoubtOptions["history"],
  { sessionId, begun, otherSids }: Doubt,
): Promise<{ readonly sids: ReadonlySet<string>; readonly complete: boolean }> {
  const since = firstEventIdAt(begun.firstAtMs - CLOCKS_APART_MS);
  const all = await sidsOfEvents(history, {}, since);
  const ofSession = all.complete || sessionId === null
    ? []
    : (await sidsOfEvents(history, { sessionId }, since)).sids;
  return { sids: new Set([...otherSids, ...all.sids, ...ofSession]), complete: all.complete };
}

async function sidsOfEvents(
  history: DoubtOptions["history"],
  filter: { readonly sessionId?: string },
  since: string,
): Promise<{ readonly sids: readonly string[]; readonly complete: boolean }> {
  const sids: string[] = [];
  let cursor: string | null = since;
  for (let read = 0; read < MAX_EVENT_PAGES && cursor !== null; read++) {
    const request = { ...filter, type: "sms.sent", limit: EVENTS_PER_PAGE, cursor };
    const page = await history.listEvents(request);
    for (const { dataJson } of page.items) {
      const data: { messageSid?: string | null; messageSids?: string[] } = JSON.parse(dataJson);
      sids.push(...data.messageSids ?? [], ...(data.messageSid ? [data.messageSid] : []));
    }
    cursor = page.nextCursor;
  }
  return { sids, complete: cursor === null };
}
