import type { RecordedRequest } from "./request_log.ts";

/** Kinds that need nothing but their name. */
export type PlainFault =
  /** No answer, ever: ends when the client gives up. */
  | "hang"
  /**
   * The connection breaks with a TCP reset instead of an answer. On a connection that was used before, some clients
   * (Deno's fetch among them) then send the request again by themselves: `requests` shows it.
   */
  | "reset"
  /** The real answer's head and half of its body, then the connection ends. */
  | "cut"
  /** The real answer's head and half of its body, then silence until the client gives up. */
  | "stall"
  /** The real answer, compressed, whether or not the client asked for that. */
  | "gzip"
  /** An HTML page with status 502, as a proxy in between would answer. */
  | "html";

/** What goes wrong with one request. */
export type Fault =
  | PlainFault
  | { readonly kind: PlainFault }
  | { readonly kind: "delay"; readonly ms: number }
  | {
    readonly kind: "status";
    readonly status: number;
    /** An object is sent as JSON. */
    readonly body?: string | object;
    readonly contentType?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }
  | { readonly kind: "html"; readonly status?: number }
  | { readonly kind: "redirect"; readonly location: string; readonly status?: number };

/** Which request a fault is for, and whether that request still has its effect. */
export interface FaultOptions {
  /** The default: any request. */
  readonly matching?: (request: RecordedRequest) => boolean;
  /**
   * `before-acting`, the default: the request has no effect. `after-acting`: it has, and the client does not learn of
   * it. Kinds that need the real answer (`cut`, `stall`, `gzip`) always act.
   */
  readonly when?: "before-acting" | "after-acting";
}

/** What became of a planned fault. */
export interface PlannedFault {
  /** Resolves with the request that met the fault, just before it is played: under `after-acting` it has acted by then. */
  readonly reached: Promise<RecordedRequest>;
  /** Resolves when the client went away before it had the whole answer. */
  readonly clientAborted: Promise<void>;
}

/** Faults for requests to come. */
export interface Faults {
  /** Plans a fault for the next matching request; each plan is used once, the oldest matching one first. */
  next(fault: Fault, options?: FaultOptions): PlannedFault;
  /** Drops the plans that no request has met. */
  clear(): void;
}

/** A plan as the middleware plays it. */
export interface DueFault {
  readonly fault: Exclude<Fault, PlainFault>;
  readonly afterActing: boolean;
  markReached(request: RecordedRequest): void;
  markClientAborted(): void;
}

/** The side of the plans that the middleware holds. */
export interface FaultQueue extends Faults {
  take(request: RecordedRequest): DueFault | undefined;
}

const NEEDS_REAL_ANSWER: ReadonlySet<string> = new Set(["cut", "stall", "gzip"]);

/** An empty list of plans. */
export function createFaultQueue(): FaultQueue {
  const plans: { matching: (request: RecordedRequest) => boolean; due: DueFault }[] = [];
  return {
    next(fault, { matching = () => true, when = "before-acting" } = {}) {
      const reached = Promise.withResolvers<RecordedRequest>();
      const clientAborted = Promise.withResolvers<void>();
      const full = typeof fault === "string" ? { kind: fault } : fault;
      plans.push({
        matching,
        due: {
          fault: full,
          afterActing: when === "after-acting" || NEEDS_REAL_ANSWER.has(full.kind),
          markReached: reached.resolve,
          markClientAborted: clientAborted.resolve,
        },
      });
      return { reached: reached.promise, clientAborted: clientAborted.promise };
    },
    clear() {
      plans.length = 0;
    },
    take(request) {
      const at = plans.findIndex(({ matching }) => matching(request));
      return at < 0 ? undefined : plans.splice(at, 1)[0]?.due;
    },
  };
}
