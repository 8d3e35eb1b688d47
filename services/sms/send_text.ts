import type { Clock } from "../support/clock.ts";
import { maskPhone } from "../support/log.ts";
import type { ClaimedDelivery, DeliveryStore } from "../store/port/deliveries.ts";
import type { ResolveDoubt } from "./doubt.ts";
import { maskedSender, openText } from "./open_text.ts";
import type { OptOuts } from "./opt_outs.ts";
import { type Begun, givenUp, NO_TRIES, type SmsProgress } from "./progress.ts";
import { createSendOutcome, OPTED_OUT, refusalSource } from "./send_outcome.ts";
import type { SenderRate } from "./sender_rate.ts";
import { passSwitch, type SendingSwitch } from "./sending_switch.ts";
import type { SmsFinding } from "./sms_decision.ts";
import { segmentsOf } from "./split.ts";
import type { CallbackSubject } from "./twilio/status_callback_url.ts";
import { createTextNotes, oneMoreTry, type Step, type Text, WAITING } from "./text_notes.ts";
import type { SmsSender, TwilioSender } from "./twilio/client.ts";
import type { TwilioListing } from "./twilio/listing.ts";

export interface TextCarrierOptions {
  readonly twilio: TwilioSender & TwilioListing;
  readonly store: Pick<DeliveryStore, "noteProgress">;
  readonly resolveDoubt: ResolveDoubt;
  readonly optOuts: Pick<OptOuts, "isOptedOut" | "noteRefusal">;
  readonly sendingSwitch: SendingSwitch;
  readonly senderRate: SenderRate;
  readonly statusCallback: (subject: CallbackSubject) => string;
  /** The sender where the number that the customer texted is not known. */
  readonly defaultSender: SmsSender;
  /** The waits of the ladder (`WEBHOOK_RETRY_S`). */
  readonly retryWaitsMs: readonly number[];
  /** Sliding lifetime of a session (`SESSION_TTL_S`). */
  readonly sessionTtlMs: number;
  /** Of one request to Twilio. */
  readonly timeoutMs: number;
  /** How long an attempt may last before its delivery comes back by itself. */
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** How far a text has come with an attempt. */
export interface Carried {
  readonly finding: SmsFinding;
  /** As far as it is known; null: nothing was begun. */
  readonly progress: SmsProgress | null;
}

/** One part is created so often at most, each time only after it was surely absent before. */
const MAX_CALLS = 3;
/** Twilio advises more than 5 s (docs/messaging/api/message-resource); nobody in a chat waits for more than four hours. */
const SHORTEST_VALIDITY_S = 6;
const LONGEST_VALIDITY_S = 14_400;
/** What a lease has to last beyond a request to Twilio, for writing down how that ended. */
const LEASE_MARGIN_MS = 5_000;
/**
 * How long after its intent a call may still be begun. Whoever takes the text over reckons with a call that lasts its time-out
 * and lies somewhere for 30 s more (`doubt.ts`): one that begins later, because the machine was asleep, could follow a second.
 */
const LATEST_CALL_MS = 10_000;
/** Whether the account is accepted again: a look at the list costs nobody a text. */
const PROBE = { pageSize: 1, maxPages: 1 };

/**
 * Carries the text of a delivery as far as it goes in one attempt: part by part, each after the one before was taken. What is
 * about to be done is written down before each call of Twilio, and what came of it afterwards. So wherever the process dies,
 * the next attempt knows what has surely left, what surely has not, and what has to be looked up. Throws `StoreUnavailable`.
 */
export function createTextCarrier(options: TextCarrierOptions) {
  const { clock, twilio, sendingSwitch, optOuts } = options;
  const notes = createTextNotes(options);
  const afterSend = createSendOutcome({ ...options, notes });

  async function carry(delivery: ClaimedDelivery, signal: AbortSignal): Promise<Carried> {
    const startedAtMs = clock.now();
    if (signal.aborted) return { finding: { kind: "shutdown" }, progress: null };
    const opened = await openText(delivery, options.defaultSender);
    if (opened.kind === "no-customer-number") return await missNumber(delivery, opened.progress);
    if (opened.kind === "lost") return await lose(delivery, opened.progress);
    if (opened.kind !== "open") {
      return { finding: { kind: opened.kind }, progress: opened.progress };
    }
    const text: Text = { ...opened, delivery, signal, startedAtMs };
    const finding = await carryParts(text);
    return { finding, progress: text.progress };
  }

  async function carryParts(text: Text): Promise<SmsFinding> {
    for (let at = 0; at < text.bodies.length; at++) {
      const finding = await carryPart(text, at);
      if (finding !== null) return finding;
    }
    return { kind: "sent" };
  }

  async function missNumber(
    delivery: ClaimedDelivery,
    before: SmsProgress | null,
  ): Promise<Carried> {
    const nothingBegun = { parts: [], to: "", sender: "", tries: NO_TRIES };
    const progress = oneMoreTry(before ?? nothingBegun, "numberless");
    if (!await notes.progress(delivery, progress)) return { finding: { kind: "fenced" }, progress };
    return {
      finding: { kind: "no-customer-number", tries: progress.tries.numberless },
      progress,
    };
  }

  async function lose(delivery: ClaimedDelivery, before: SmsProgress | null): Promise<Carried> {
    const progress = before === null ? null : givenUp(before);
    const noted = progress === null || await notes.progress(delivery, progress);
    return { finding: { kind: noted ? "lost" : "fenced" }, progress };
  }

  async function carryPart(text: Text, at: number): Step {
    const fate = text.progress.parts[at]?.fate ?? WAITING;
    if (fate.kind === "taken") return null;
    const stopped = await passSwitch(
      sendingSwitch,
      () => twilio.list({ ...PROBE, signal: text.signal }),
    );
    if (stopped !== null) return heldBack(stopped.untilMs, "sending is stopped");
    switch (fate.kind) {
      case "waiting":
        return await send(text, at, fate.earlier);
      case "begun":
        return await lookUp(text, at, fate);
      case "given-up":
        // Only an operator makes such a text due again; that a process died over it means nothing of the kind.
        return text.delivery.interrupted
          ? { kind: "unknown", reason: "an earlier attempt gave it up" }
          : await send(text, at);
    }
  }

  async function lookUp(text: Text, at: number, begun: Begun): Step {
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
        await send(text, at, earlier);
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
      ? `Twilio has not taken it in ${MAX_CALLS} tries`
      : found.reason;
    return await notes.fate(text, at, { kind: "given-up" }) ?? { kind: "unknown", reason };
  }

  async function send(
    text: Text,
    at: number,
    earlier: Pick<Begun, "firstAtMs" | "calls"> = { firstAtMs: clock.now(), calls: 0 },
  ): Step {
    const { to, sender, bodies, signal, delivery, sessionId } = text;
    const body = bodies[at] ?? "";
    if (clock.now() - text.startedAtMs + options.timeoutMs + LEASE_MARGIN_MS > options.leaseMs) {
      return heldBack(clock.now(), "the next part follows with the next attempt");
    }
    const source = refusalSource(delivery, at);
    if (await optOuts.isOptedOut(to, sender, { sessionId, source })) {
      return { kind: "rejected", code: OPTED_OUT, status: null };
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
    text.progress = { ...text.progress, to: maskPhone(to), sender: maskedSender(sender) };
    const fenced = await notes.fate(text, at, begun);
    if (fenced !== null) return fenced;
    if (clock.now() - atMs > LATEST_CALL_MS) {
      const waiting = earlier.calls === 0 ? WAITING : { ...WAITING, earlier };
      return await notes.fate(text, at, waiting) ?? heldBack(clock.now(), "it was held up");
    }
    const about = { deliveryId: delivery.id, sessionId, part: at + 1, parts: bodies.length };
    const statusCallback = options.statusCallback(about);
    const request = { to, sender, body, validityPeriodS, statusCallback, signal };
    return await afterSend(text, at, begun, await twilio.send(request));
  }

  return carry;
}

function heldBack(untilMs: number, reason: string): SmsFinding {
  return { kind: "held-back", untilMs, reason };
}
