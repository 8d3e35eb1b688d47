import type { Clock } from "../support/clock.ts";
import { firstEventIdAt } from "../store/delivery_id.ts";
import type { EventStore } from "../store/port/events.ts";
import type { RecordStore } from "../store/port/records.ts";
import { CLOCKS_APART_MS, hasPassed, type Match, matchListing } from "./listing_match.ts";
import type { Begun } from "./progress.ts";
import type { Listing, ListRequest, SmsProvider, SmsSender } from "./provider.ts";
import { readTextStatus, textStatusName } from "./text_status.ts";

/** A part that may have left. */
export interface Doubt {
  readonly deliveryId: string;
  readonly sessionId: string | null;
  /** Counts from 1. */
  readonly part: number;
  readonly begun: Begun;
  /** E.164. */
  readonly to: string;
  /** Whom it was to leave from; null: that is not known. */
  readonly sender: SmsSender | null;
  readonly body: string;
  /** SIDs of other parts of the same text. */
  readonly otherSids: readonly string[];
  /** When the look-up has to be over (Unix ms), whatever it has learnt: before the lease ends, so that it can be written down. */
  readonly untilMs: number;
}

export type DoubtFinding =
  | { readonly kind: "found"; readonly sid: string }
  /** It has surely not left, and never will. */
  | { readonly kind: "absent" }
  | { readonly kind: "look-again"; readonly atMs: number; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string }
  /** The provider refuses the account itself. */
  | { readonly kind: "stopped"; readonly code: number };

export interface DoubtOptions {
  readonly provider: Pick<SmsProvider, "name" | "codes" | "list" | "explain">;
  readonly history: Pick<EventStore, "listEvents">;
  readonly records: Pick<RecordStore, "readRecord">;
  /** The waits of the ladder (`WEBHOOK_RETRY_S`), of which the look-ups take their own. */
  readonly retryWaitsMs: readonly number[];
  /** Of one request to the provider. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Asks the provider what became of a part; once per call. Throws `StoreUnavailable`. */
export type ResolveDoubt = (doubt: Doubt, signal: AbortSignal) => Promise<DoubtFinding>;

// One customer's messages; more than these are not read, and then nothing counts as absent.
const PAGES_OF_CUSTOMER = { pageSize: 200, maxPages: 5 };
/** The account's newest messages, to see how far the list has come. */
const NEWEST = { pageSize: 20, maxPages: 1 };
const EVENTS_PER_PAGE = 200;
const MAX_EVENT_PAGES = 10;

export function createDoubtResolver(options: DoubtOptions): ResolveDoubt {
  const { provider, clock, timeoutMs, retryWaitsMs } = options;

  function afterFailure(
    { passing, reason, code, status }: Extract<Listing, { kind: "failed" }>,
    { lookUps, nowMs }: Schedule,
  ): DoubtFinding {
    if (provider.explain(code, status).stopsSending) {
      return { kind: "stopped", code: code ?? provider.codes.accountRefused };
    }
    const waitMs = passing ? lookUpWaitMs(lookUps, retryWaitsMs) : null;
    return waitMs === null
      ? { kind: "unknown", reason }
      : { kind: "look-again", atMs: nowMs + waitMs, reason };
  }

  function afterNothing(reason: string, { lookUps, nowMs }: Schedule): DoubtFinding {
    const waitMs = lookUps < LOOK_UPS ? lookUpWaitMs(lookUps, retryWaitsMs) : null;
    return waitMs === null
      ? { kind: "unknown", reason }
      : { kind: "look-again", atMs: nowMs + waitMs, reason };
  }

  return async function resolve(doubt, signal) {
    const { begun, to, untilMs } = doubt;
    const told = await sidFromReports(options.records, doubt, clock.now());
    if (told !== null) return { kind: "found", sid: told };
    const list = (request: Omit<ListRequest, "signal" | "withinMs">) =>
      provider.list({ ...request, signal, withinMs: untilMs - clock.now() });
    const schedule = () => ({ lookUps: begun.lookUps + 1, nowMs: clock.now() });

    // The newest first: how far the list has come says nothing of what was read from it before.
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
    return isAbsent ? { kind: "absent" } : afterNothing(reasonOf(match, provider.name), schedule());
  };
}

interface Schedule {
  /** This one included. */
  readonly lookUps: number;
  readonly nowMs: number;
}

function reasonOf(match: Exclude<Match, { kind: "found" }>, providerName: string): string {
  if (match.kind === "clear") return `${providerName} does not list the text`;
  return match.why === "other-words"
    ? `${providerName} lists a text in other words that may be this one`
    : `${providerName} lists more texts to this customer than can be read`;
}

/** The first look-up follows soon: mostly the provider's list has the message within a second. */
const SOON_MS = 2_000;
/** How often a list that answers is asked; one that fails is asked once more. */
const LOOK_UPS = 3;

/** How long to wait before the look-up that follows `lookUps` others; null: there is none. With the default ladder 2, 5, 30, 120 s. */
export function lookUpWaitMs(lookUps: number, retryWaitsMs: readonly number[]): number | null {
  const first = retryWaitsMs[0] ?? SOON_MS;
  const waitsMs = [Math.min(SOON_MS, first), first, retryWaitsMs[1] ?? first];
  return [...waitsMs, retryWaitsMs[2] ?? waitsMs[2]][lookUps] ?? null;
}

/** After an answer of the provider's nothing of the call is under way any more. */
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

/** The provider's reports carry our own ids: one on this part tells its SID, whatever the list says. */
async function sidFromReports(
  records: DoubtOptions["records"],
  { deliveryId, sessionId, part, otherSids }: Doubt,
  nowMs: number,
): Promise<string | null> {
  if (sessionId === null) return null;
  const name = textStatusName({ deliveryId, sessionId });
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
