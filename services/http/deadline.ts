import type { Clock, Timer } from "../support/clock.ts";
import { afterTogether } from "../support/shared_timer.ts";

/** What ends a request before it is over by itself. */
export interface Ending {
  readonly hasEnded: boolean;
  /** Aborts at the end. Made when it is first asked for, as it costs more than all the rest. */
  readonly signal: AbortSignal;
  /** Calls `listener` at the end, instead of the one that was named before; null: nobody. */
  onEnd(listener: (() => void) | null): void;
}

/** The time that something may take. To be disposed of when it is over, so that no timer and no listener stays behind. */
export interface Deadline extends Ending, Disposable {
  readonly clock: Clock;
  /** What came first, the end of the time or the caller's signal; null: neither has come yet. */
  readonly ended: "timeout" | "aborted" | null;
}

/** Begins to count. `signal` ends the time at once. */
export function startDeadline(
  { clock, timeoutMs, signal }: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
  },
): Deadline {
  return new Countdown(clock, timeoutMs, signal);
}

/** A class, as there is one for each request: its methods are there once. */
class Countdown implements Deadline {
  ended: "timeout" | "aborted" | null = null;
  readonly #timer: Timer;
  readonly #given: AbortSignal | undefined;
  #listener: (() => void) | null = null;
  #controller: AbortController | null = null;

  constructor(readonly clock: Clock, timeoutMs: number, given: AbortSignal | undefined) {
    this.#timer = afterTogether(clock, timeoutMs, () => this.#end("timeout"));
    this.#given = given;
    // Taken off again below, unlike with AbortSignal.any: a caller's signal may outlive thousands of requests.
    given?.addEventListener("abort", this.#abort);
    if (given?.aborted) this.#abort();
  }

  get hasEnded(): boolean {
    return this.ended !== null;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.hasEnded) this.#controller.abort();
    return this.#controller.signal;
  }

  onEnd(listener: (() => void) | null): void {
    this.#listener = listener;
  }

  readonly #abort = () => this.#end("aborted");

  #end(how: "timeout" | "aborted"): void {
    this.ended ??= how;
    this.#controller?.abort();
    this.#listener?.();
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
    this.#given?.removeEventListener("abort", this.#abort);
  }
}
