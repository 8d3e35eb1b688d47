import type { RecordedRequest } from "./request_log.ts";

/** Kinds that need nothing but their name. */
export type PlainFault =
  /** No answer, ever: ends when the client gives up. */
  | "hang"
  /** The real answer, once the plan is released; until then the request waits. Who gives up before that has had no effect. */
  | "hold"
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
  /** How many requests meet it; 1 unless told otherwise. `Infinity`: all, until the plan is dropped. */
  readonly times?: number;
}

/** What became of a planned fault. */
export interface PlannedFault {
  /** Resolves with the first request that met the fault, just before it is played: under `after-acting` it has acted by then. */
  readonly reached: Promise<RecordedRequest>;
  /** Resolves when such a request's client went away before it had the whole answer. */
  readonly clientAborted: Promise<void>;
  /** Lets go of what `hold` holds, now and from now on. */
  release(): void;
  /** No further request meets the fault. */
  drop(): void;
}

/** Faults for requests to come. */
export interface Faults {
  /** Plans a fault for the next matching request, or so many of them; the oldest matching plan is used first. */
  next(fault: Fault, options?: FaultOptions): PlannedFault;
  /** Lets go of all that is held. */
  release(): void;
  /** Drops the plans that are not used up. */
  clear(): void;
}

/** A plan as the middleware plays it. */
export interface DueFault {
  readonly fault: Exclude<Fault, PlainFault>;
  readonly afterActing: boolean;
  /** Resolves once what `hold` holds is to go on. */
  readonly released: Promise<void>;
  markReached(request: RecordedRequest): void;
  markClientAborted(): void;
}

/** The side of the plans that the middleware holds. */
export interface FaultQueue extends Faults {
  take(request: RecordedRequest): DueFault | undefined;
}

const NEEDS_REAL_ANSWER: ReadonlySet<string> = new Set(["cut", "stall", "gzip"]);

interface Plan {
  readonly matching: (request: RecordedRequest) => boolean;
  readonly due: DueFault;
  timesLeft: number;
}

/** An empty list of plans. */
export function createFaultQueue(): FaultQueue {
  const plans = new Set<Plan>();
  /** By what is held, or may yet be, is let go. */
  const releases = new Set<() => void>();
  return {
    next(fault, { matching = () => true, when = "before-acting", times = 1 } = {}) {
      const reached = Promise.withResolvers<RecordedRequest>();
      const clientAborted = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      const full = typeof fault === "string" ? { kind: fault } : fault;
      const plan: Plan = {
        matching,
        timesLeft: times,
        due: {
          fault: full,
          afterActing: when === "after-acting" || NEEDS_REAL_ANSWER.has(full.kind),
          released: released.promise,
          markReached: reached.resolve,
          markClientAborted: clientAborted.resolve,
        },
      };
      plans.add(plan);
      if (full.kind === "hold") releases.add(released.resolve);
      return {
        reached: reached.promise,
        clientAborted: clientAborted.promise,
        release: released.resolve,
        drop: () => void plans.delete(plan),
      };
    },
    release() {
      for (const release of releases) release();
      releases.clear();
    },
    clear() {
      plans.clear();
    },
    take(request) {
      const plan = [...plans].find(({ matching }) => matching(request));
      if (plan === undefined) return undefined;
      if (--plan.timesLeft === 0) plans.delete(plan);
      return plan.due;
    },
  };
}
