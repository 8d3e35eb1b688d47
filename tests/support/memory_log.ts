import type { Logger, LogValue } from "../../services/support/log.ts";
import { guardLine } from "./log_guard.ts";

export interface LogEntry {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: Readonly<Record<string, LogValue>>;
}

/** A logger that keeps what it is told, and fails the test for what no log may hold. */
export interface MemoryLog extends Logger {
  readonly entries: readonly LogEntry[];
  /** The entries of one event, in order. */
  of(event: string): readonly LogEntry[];
  /**
   * Resolves once the event has been logged `count` times since the start: a way to await work in the background. Rejects
   * when that takes too long, so that what is broken fails instead of hanging.
   */
  whenLogged(event: string, count?: number): Promise<void>;
}

/** Generous: a busy machine is no fault. */
const LOGGED_WITHIN_MS = 20_000;

export function createMemoryLog(loggedWithinMs = LOGGED_WITHIN_MS): MemoryLog {
  const entries: LogEntry[] = [];
  let waiting: { event: string; count: number; resolve: () => void }[] = [];
  const of = (event: string) => entries.filter((entry) => entry.event === event);

  function wakeWaiting(): void {
    const isReady = (wait: { event: string; count: number }) => of(wait.event).length >= wait.count;
    const ready = waiting.filter(isReady);
    waiting = waiting.filter((wait) => !isReady(wait));
    for (const { resolve } of ready) resolve();
  }

  const logAt = (level: LogEntry["level"]): Logger["info"] => (event, fields = {}) => {
    guardLine(JSON.stringify({ event, ...fields }));
    entries.push({ level, event, fields });
    wakeWaiting();
  };
  return {
    debug: logAt("debug"),
    info: logAt("info"),
    warn: logAt("warn"),
    error: logAt("error"),
    entries,
    of,
    whenLogged(event, count = 1) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        const found = `logged ${of(event).length} times within ${loggedWithinMs} ms`;
        reject(new Error(`Cannot await log event ${event}: ${found}, expected ${count}`));
      }, loggedWithinMs);
      waiting.push({ event, count, resolve });
      wakeWaiting();
      return promise.finally(() => clearTimeout(timer));
    },
  };
}
