import type { Clock } from "../support/clock.ts";
import type { Fingerprints } from "../sealing/fingerprints.ts";
import { maskPhone } from "../support/log.ts";
import type { ClaimedDelivery, DeliveryStore } from "../store/port/deliveries.ts";
import { createAfterSend, refusalSource } from "./after_send.ts";
import type { ResolveDoubt } from "./doubt.ts";
import { type ClosedText, maskedSender, openText, type TextUnderWay } from "./open_text.ts";
import type { OptOuts } from "./opt_outs.ts";
import type { PhoneNumbers } from "./phone.ts";
import {
  type Begun,
  createProgressNotes,
  givenUp,
  NO_TRIES,
  oneMoreTry,
  type SmsProgress,
  WAITING,
} from "./progress.ts";
import type { SmsProvider } from "./provider.ts";
import type { SenderRate } from "./sender_rate.ts";
import { passSwitch, type SendingSwitch } from "./sending_switch.ts";
import type { SmsFinding, StepEnd } from "./sms_decision.ts";
import { segmentsOf } from "./split.ts";

export interface TextSenderOptions {
  readonly provider: Pick<
    SmsProvider,
    "name" | "defaultSender" | "codes" | "send" | "list" | "explain"
  >;
  readonly store: Pick<DeliveryStore, "noteProgress">;
  readonly resolveDoubt: ResolveDoubt;
  readonly optOuts: Pick<OptOuts, "isOptedOut" | "noteRefusal">;
  readonly sendingSwitch: SendingSwitch;
  readonly senderRate: SenderRate;
  readonly numbers: Pick<PhoneNumbers, "read" | "toSender">;
  /** Recognise the number that a text is bound to. */
  readonly fingerprints: Fingerprints;
  /** Whether an address of a picture leaves with the picture (`MEDIA`). */
  readonly media: boolean;
  /** The waits of the ladder (`WEBHOOK_RETRY_S`). */
  readonly retryWaitsMs: readonly number[];
  /** Sliding lifetime of a session (`SESSION_TTL_S`). */
  readonly sessionTtlMs: number;
  /** Of one request to the provider. */
  readonly timeoutMs: number;
  /** How long an attempt may last before its delivery comes back by itself. */
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** How an attempt to send a text ended, and how far the text has come with it. */
export interface SendAttempt {
  readonly finding: SmsFinding;
  /** As far as it is known; null: nothing was begun. */
  readonly progress: SmsProgress | null;
}

/** One part is created so often at most, each time only after it was surely absent before. */
const MAX_CALLS = 3;
/** What waits for 5 s or less is easily dropped before it leaves; nobody in a chat waits for more than four hours. */
const SHORTEST_VALIDITY_S = 6;
const LONGEST_VALIDITY_S = 14_400;
/** What a lease has to last beyond a request to the provider, for writing down how that ended. */
const LEASE_MARGIN_MS = 5_000;
/**
 * How long after its intent a call may still be begun. Whoever takes the text over reckons with a call that lasts its time-out
 * and lies somewhere for 30 s more (`doubt.ts`): one that begins later, because the machine was asleep, could follow a second.
 */
const LATEST_CALL_MS = 10_000;
/** Whether the account is accepted again: a look at the list costs nobody a text. */
const PROBE = { pageSize: 1, maxPages: 1 };

/**
 * Sends the text of a delivery as far as it goes in one attempt: part by part, each after the one before was taken. Before
 * each call of the provider it is written down what is about to be done, and afterwards what came of it. So wherever the
 * process dies, the next attempt knows what has surely left, what surely has not, and what has to be looked up. Throws
 * `StoreUnavailable`.
 */
export function createTextSender(options: TextSenderOptions) {
  const { clock, provider, sendingSwitch, optOuts, numbers, fingerprints } = options;
  const notes = createProgressNotes(options);
  const afterSend = createAfterSend({ ...options, notes });

  async function sendText(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendAttempt> {
    const startedAtMs = clock.now();
    if (signal.aborted) return { finding: { kind: "shutdown" }, progress: null };
    const { defaultSender } = provider;
    const opened = await openText(delivery, { defaultSender, fingerprints, numbers });
    if (opened.kind === "no-customer-number") return await missNumber(delivery, opened.progress);
    if (opened.kind === "nobodys-number") {
      const { kind, why, progress } = opened;
      return { finding: { kind, why }, progress };
    }
    if (opened.kind === "number-changed") return await endForOtherNumber(delivery, opened);
    if (opened.kind === "lost") return await lose(delivery, opened.progress);
    if (opened.kind !== "open") {
      return { finding: { kind: opened.kind }, progress: opened.progress };
    }
    const text: TextUnderWay = { ...opened, delivery, signal, startedAtMs };
    const finding = await sendParts(text);
    return { finding, progress: text.progress };
  }

  async function sendParts(text: TextUnderWay): Promise<SmsFinding> {
    for (let at = 0; at < text.bodies.length; at++) {
      const finding = await sendPart(text, at);
      if (finding !== null) return finding;
    }
    return { kind: "sent" };
  }

  async function missNumber(
    delivery: ClaimedDelivery,
    before: SmsProgress | null,
  ): Promise<SendAttempt> {
    const nothingBegun = { parts: [], to: "", sender: "", tries: NO_TRIES };
    const progress = oneMoreTry(before ?? nothingBegun, "numberless");
    const tries = progress.tries.numberless;
    const fenced = await notes.whole(delivery, progress);
    return { finding: fenced ?? { kind: "no-customer-number", tries }, progress };
  }

  async function lose(delivery: ClaimedDelivery, before: SmsProgress | null): Promise<SendAttempt> {
    const progress = before === null ? null : givenUp(before);
    const fenced = progress === null ? null : await notes.whole(delivery, progress);
    return { finding: fenced ?? { kind: "lost" }, progress };
  }

  async function endForOtherNumber(
    delivery: ClaimedDelivery,
    { inDoubt, progress: before }: Extract<ClosedText, { kind: "number-changed" }>,
  ): Promise<SendAttempt> {
    const progress = givenUp(before);
    const fenced = inDoubt ? await notes.whole(delivery, progress) : null;
    return { finding: fenced ?? { kind: "number-changed", inDoubt }, progress };
  }

  async function sendPart(text: TextUnderWay, at: number): StepEnd {
    const fate = text.progress.parts[at]?.fate ?? WAITING;
    if (fate.kind === "taken") return null;
    const stopped = await passSwitch(
      sendingSwitch,
      () => provider.list({ ...PROBE, signal: text.signal }),
    );
    if (stopped !== null) return heldBack(stopped.untilMs, "sending is stopped");
    switch (fate.kind) {
      case "waiting":
        return await create(text, at, fate.earlier);
      case "begun":
        return await lookUp(text, at, fate);
      case "given-up":
        // Only an operator makes such a text due again; that a process died over it means nothing of the kind.
        return text.delivery.interrupted
          ? { kind: "unknown", reason: "an earlier attempt gave it up" }
          : await create(text, at);
    }
  }

  async function lookUp(text: TextUnderWay, at: number, begun: Begun): StepEnd {
    const { delivery, sessionId, to, sender, bodies, signal, progress } = text;
    const found = await options.resolveDoubt({
      deliveryId: delivery.id,
      sessionId,
      part: at + 1,
      begun,
      to,
      sender: progress.sender === maskedSender(sender) ? sender : null,
      body: bodies[at] ?? "",
      untilMs: text.startedAtMs + options.leaseMs - LEASE_MARGIN_MS,
      otherSids: progress.parts.flatMap(({ fate }) => fate.kind === "taken" ? [fate.sid] : []),
    }, signal);
    if (found.kind === "found") return await notes.taken(text, at, found.sid);
    if (found.kind === "absent" && begun.calls < MAX_CALLS) {
      const { firstAtMs, calls } = begun;
      const earlier = { firstAtMs, calls };
      return await notes.fate(text, at, { kind: "waiting", earlier }) ??
        await create(text, at, earlier);
    }
    // A look that was broken off has learnt nothing.
    if (signal.aborted) return { kind: "shutdown" };
    if (found.kind === "stopped") {
      sendingSwitch.close(found.code);
      return heldBack(clock.now(), "sending was stopped");
    }
    if (found.kind === "look-again") {
      const fenced = await notes.fate(text, at, { ...begun, lookUps: begun.lookUps + 1 });
      return fenced ?? { kind: "in-doubt", reason: found.reason, atMs: found.atMs };
    }
    const reason = found.kind === "absent"
      ? `${provider.name} has not taken it in ${MAX_CALLS} tries`
      : found.reason;
    return await notes.fate(text, at, { kind: "given-up" }) ?? { kind: "unknown", reason };
  }

  /** Makes the call that creates a part's message. */
  async function create(
    text: TextUnderWay,
    at: number,
    earlier: Pick<Begun, "firstAtMs" | "calls"> = { firstAtMs: clock.now(), calls: 0 },
  ): StepEnd {
    const { to, sender, bodies, signal, delivery, sessionId } = text;
    const body = bodies[at] ?? "";
    if (clock.now() - text.startedAtMs + options.timeoutMs + LEASE_MARGIN_MS > options.leaseMs) {
      return heldBack(clock.now(), "the next part follows with the next attempt");
    }
    const source = refusalSource(delivery, at);
    if (await optOuts.isOptedOut(to, sender, { sessionId, source })) {
      return { kind: "rejected", code: provider.codes.optedOut, status: null };
    }
    const freeAtMs = await options.senderRate.take(sender, await segmentsOf(body), signal);
    if (freeAtMs !== null) return heldBack(freeAtMs, "our own limit for this sender is reached");
    if (signal.aborted) return { kind: "shutdown" };
    const atMs = clock.now();
    const leftMs = delivery.event.occurredAtMs + options.sessionTtlMs - atMs;
    const validityPeriodS = Math.min(Math.floor(leftMs / 1_000), LONGEST_VALIDITY_S);
    if (validityPeriodS < SHORTEST_VALIDITY_S) return { kind: "too-late" };

    const begun: Begun = {
      kind: "begun",
      firstAtMs: earlier.calls === 0 ? atMs : earlier.firstAtMs,
      atMs,
      endedAtMs: null,
      answered: false,
      calls: earlier.calls + 1,
      lookUps: 0,
    };
    const pin = text.progress.pin ?? await fingerprints.of(to);
    text.progress = { ...text.progress, to: maskPhone(to), pin, sender: maskedSender(sender) };
    const fenced = await notes.fate(text, at, begun);
    if (fenced !== null) return fenced;
    if (clock.now() - atMs > LATEST_CALL_MS) {
      const waiting = earlier.calls === 0 ? WAITING : { ...WAITING, earlier };
      return await notes.fate(text, at, waiting) ?? heldBack(clock.now(), "it was held up");
    }
    const part = { deliveryId: delivery.id, sessionId, part: at + 1, parts: bodies.length };
    const picture = options.media && at === 0 ? text.picture : null;
    const result = await provider.send({
      ...{ to, sender, body, part, validityPeriodS, signal },
      ...(picture !== null && { mediaUrl: picture }),
    });
    return await afterSend(text, at, begun, result);
  }

  return sendText;
}

function heldBack(untilMs: number, reason: string): SmsFinding {
  return { kind: "held-back", untilMs, reason };
}
