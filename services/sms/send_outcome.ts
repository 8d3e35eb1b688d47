import type { Clock } from "../support/clock.ts";
import type { ClaimedDelivery } from "../store/port/deliveries.ts";
import { lookUpWaitMs } from "./doubt.ts";
import { explainSmsError, stopsSending } from "./twilio/error_table.ts";
import type { OptOuts } from "./opt_outs.ts";
import type { Begun, Tries } from "./progress.ts";
import type { SendingSwitch } from "./sending_switch.ts";
import { oneMoreTry, type Step, type Text, type TextNotes, WAITING } from "./text_notes.ts";
import type { SendResult } from "./twilio/transport.ts";

export interface SendOutcomeOptions {
  readonly notes: TextNotes;
  readonly optOuts: Pick<OptOuts, "noteRefusal">;
  readonly sendingSwitch: Pick<SendingSwitch, "close">;
  /** The waits of the ladder (`WEBHOOK_RETRY_S`). */
  readonly retryWaitsMs: readonly number[];
  readonly clock: Clock;
}

/** https://www.twilio.com/docs/api/errors: the recipient has opted out; credentials are refused. */
export const OPTED_OUT = 21610;
const NOT_AUTHENTICATED = 20003;

/** Names what a refusal of a part, counted from 0, came from: the same however often it is tried. */
export function refusalSource({ id }: Pick<ClaimedDelivery, "id">, at: number): string {
  return `${id}:${at + 1}`;
}

/**
 * What follows from Twilio's answer to creating a part: first it is written down, so that a process that dies here leaves no
 * doubt behind that there need not be.
 */
export function createSendOutcome(options: SendOutcomeOptions) {
  const { notes, optOuts, sendingSwitch, clock } = options;

  async function doubt(
    text: Text,
    at: number,
    begun: Begun,
    { reason, status }: { readonly reason: string; readonly status?: number },
  ): Step {
    const endedAtMs = clock.now();
    const answered = status !== undefined;
    const fenced = await notes.fate(text, at, { ...begun, endedAtMs, answered });
    if (fenced !== null) return fenced;
    if (text.signal.aborted) return { kind: "shutdown" };
    const atMs = endedAtMs + (lookUpWaitMs(0, options.retryWaitsMs) ?? 0);
    return { kind: "in-doubt", reason, atMs, ...(answered && { status }) };
  }

  async function refuse(
    text: Text,
    at: number,
    refusal: Extract<SendResult, { kind: "rejected" }>,
  ): Step {
    const { code, status } = refusal;
    if (stopsSending(code, status)) sendingSwitch.close(code ?? NOT_AUTHENTICATED);
    const { to: customer, sender, sessionId, delivery } = text;
    const source = refusalSource(delivery, at);
    const fenced = await notes.fate(text, at, WAITING);
    if (code === OPTED_OUT) await optOuts.noteRefusal({ customer, sender, sessionId, source });
    return fenced ?? refusal;
  }

  async function tryAgain(
    text: Text,
    at: number,
    kind: keyof Tries,
    result: Extract<SendResult, { kind: "rejected" | "rate-limited" | "not-sent" }>,
  ): Step {
    text.progress = oneMoreTry(text.progress, kind);
    const tries = text.progress.tries[kind];
    return await notes.fate(text, at, WAITING) ?? { ...result, tries };
  }

  return async function afterSend(
    text: Text,
    at: number,
    begun: Begun,
    result: SendResult,
  ): Step {
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
        const { action } = explainSmsError(result.code);
        if (action === "retry") return await tryAgain(text, at, "limited", result);
        if (action !== "look-up") return await refuse(text, at, result);
        const reason = `answered with code ${result.code}`;
        return await doubt(text, at, begun, { reason, status: result.status });
      }
    }
  };
}
