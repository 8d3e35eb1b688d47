import type { Clock } from "../support/clock.ts";
import type { ClaimedDelivery } from "../store/port/deliveries.ts";
import { lookUpWaitMs } from "./doubt.ts";
import type { TextUnderWay } from "./open_text.ts";
import type { OptOuts } from "./opt_outs.ts";
import { type Begun, oneMoreTry, type ProgressNotes, type Tries, WAITING } from "./progress.ts";
import { passesSoon, type SendResult, type SmsProvider } from "./provider.ts";
import type { SendingSwitch } from "./sending_switch.ts";
import type { StepEnd } from "./sms_decision.ts";

export interface AfterSendOptions {
  readonly provider: Pick<SmsProvider, "codes" | "explain">;
  readonly notes: ProgressNotes;
  readonly optOuts: Pick<OptOuts, "noteRefusal">;
  readonly sendingSwitch: Pick<SendingSwitch, "close">;
  /** The waits of the ladder (`WEBHOOK_RETRY_S`). */
  readonly retryWaitsMs: readonly number[];
  readonly clock: Clock;
}

/** Names what a refusal of a part, counted from 0, came from: the same however often it is tried. */
export function refusalSource({ id }: Pick<ClaimedDelivery, "id">, at: number): string {
  return `${id}:${at + 1}`;
}

/**
 * What follows from the provider's answer to sending a part. It is written down first, so that a process that dies here leaves
 * no doubt behind that there need not be.
 */
export function createAfterSend(options: AfterSendOptions) {
  const { provider, notes, optOuts, sendingSwitch, clock } = options;

  async function doubt(
    text: TextUnderWay,
    at: number,
    begun: Begun,
    { reason, status }: { readonly reason: string; readonly status?: number },
  ): StepEnd {
    const endedAtMs = clock.now();
    const answered = status !== undefined;
    const fenced = await notes.fate(text, at, { ...begun, endedAtMs, answered });
    if (fenced !== null) return fenced;
    if (text.signal.aborted) return { kind: "shutdown" };
    const atMs = endedAtMs + (lookUpWaitMs(0, options.retryWaitsMs) ?? 0);
    return { kind: "in-doubt", reason, atMs, ...(answered && { status }) };
  }

  async function refuse(
    text: TextUnderWay,
    at: number,
    refusal: Extract<SendResult, { kind: "rejected" }>,
  ): StepEnd {
    const { code, status } = refusal;
    const { stopsSending, optedOut } = provider.explain(code, status);
    if (stopsSending) sendingSwitch.close(code ?? provider.codes.accountRefused);
    const { to: customer, sender, sessionId, delivery } = text;
    const source = refusalSource(delivery, at);
    const fenced = await notes.fate(text, at, WAITING);
    if (optedOut) await optOuts.noteRefusal({ customer, sender, sessionId, source });
    return fenced ?? refusal;
  }

  async function tryAgain(
    text: TextUnderWay,
    at: number,
    kind: keyof Tries,
    result: Extract<SendResult, { kind: "rejected" | "rate-limited" | "not-sent" }>,
  ): StepEnd {
    text.progress = oneMoreTry(text.progress, kind);
    const tries = text.progress.tries[kind];
    return await notes.fate(text, at, WAITING) ?? { ...result, tries };
  }

  return async function afterSend(
    text: TextUnderWay,
    at: number,
    begun: Begun,
    result: SendResult,
  ): StepEnd {
    switch (result.kind) {
      case "taken":
        return await notes.taken(text, at, result.sid);
      case "ambiguous":
        return await doubt(text, at, begun, result);
      case "rate-limited":
        return await tryAgain(text, at, "limited", result);
      case "not-sent":
        if (!text.signal.aborted) return await tryAgain(text, at, "unreached", result);
        return await notes.fate(text, at, WAITING) ?? { kind: "shutdown" };
      case "rejected": {
        const { action } = provider.explain(result.code, result.status);
        if (passesSoon(action)) return await tryAgain(text, at, "limited", result);
        if (action !== "look-up") return await refuse(text, at, result);
        const reason = `answered with code ${result.code}`;
        return await doubt(text, at, begun, { reason, status: result.status });
      }
    }
  };
}
