import { type Clock, pause } from "../../services/support/clock.ts";
import { untilAborted } from "../kit/until_aborted.ts";

/** How the consumer behaves to one request. */
export type Answer =
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    /** Before anything is sent, on the consumer's clock. */
    readonly delayMs?: number;
  }
  /** Nothing, until the sender gives up. */
  | { readonly kind: "hang" }
  /** Status 200 at once, then one chunk every `everyMs` on the consumer's clock; never an end if `chunks` is Infinity. */
  | { readonly kind: "drip"; readonly everyMs: number; readonly chunks: number }
  | { readonly kind: "redirect"; readonly location: string; readonly status?: number }
  /** A TCP reset. */
  | { readonly kind: "reset" };

/** What the consumer answers unless told otherwise. */
export const ACKNOWLEDGE: Answer = { kind: "answer", status: 204 };

/** What every unverified request is answered. */
export const REFUSE: Answer = { kind: "answer", status: 401 };

/** Plays an answer; a Response is given as it is. `reset` breaks the connection; `senderGone` aborts when the sender gives up. */
export async function playAnswer(
  answer: Answer | Response,
  { clock, senderGone, reset }: {
    readonly clock: Clock;
    readonly senderGone: AbortSignal;
    reset(): void;
  },
): Promise<Response> {
  if (answer instanceof Response) return answer;
  switch (answer.kind) {
    case "answer":
      if (answer.delayMs !== undefined) await pause(clock, answer.delayMs, senderGone);
      return new Response(answer.body ?? null, {
        status: answer.status,
        headers: answer.headers ?? {},
      });
    case "hang":
      await untilAborted(senderGone);
      return new Response(null);
    case "drip":
      return new Response(drip(answer, clock, senderGone));
    case "redirect":
      return new Response(null, {
        status: answer.status ?? 302,
        headers: { location: answer.location },
      });
    case "reset":
      reset();
      return new Response(null);
  }
}

function drip(
  { everyMs, chunks }: { readonly everyMs: number; readonly chunks: number },
  clock: Clock,
  senderGone: AbortSignal,
): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      if (sent > 0) await pause(clock, everyMs, senderGone);
      if (senderGone.aborted || sent === chunks) return controller.close();
      sent++;
      controller.enqueue(new Uint8Array([0x2e]));
    },
  }, { highWaterMark: 0 });
}
