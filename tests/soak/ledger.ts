/** One call of a webhook. */
export interface Call {
  /** `webhook-id` */
  readonly id: string;
  readonly sessionId: string;
  readonly sequence: number;
}

/** What one webhook has taken, and whether it came as promised (DESIGN §9). */
export interface Ledger {
  /** To be called when a call has come, and its result when the answer goes out. Writes down what is wrong with it. */
  begin(call: Call): { end(acknowledged: boolean): void };
  /** How many distinct events were acknowledged. */
  readonly acknowledged: number;
  /** How many calls were refused. */
  readonly refused: number;
  /** The events that were acknowledged more than once, one entry for each time too many. */
  readonly repeats: readonly string[];
  /** What came out of its order, or beside another of its session; the first few in words. */
  readonly faults: readonly string[];
  /** Resolves when so many distinct events are acknowledged; rejects after `withinMs`. */
  until(acknowledged: number, withinMs: number): Promise<void>;
}

const FAULTS_TOLD = 10;

/** An empty one. `name` is what messages call the webhook. */
export function createLedger(name: string): Ledger {
  const taken = new Set<string>();
  const lastSequences = new Map<string, number>();
  const inFlight = new Set<string>();
  const repeats: string[] = [];
  const faults: string[] = [];
  const waiting = new Set<() => void>();
  let refused = 0;

  function note(fault: string): void {
    if (faults.length < FAULTS_TOLD) faults.push(fault);
  }

  function inspect({ id, sessionId, sequence }: Call): void {
    const last = lastSequences.get(sessionId) ?? 0;
    // One whose acknowledgement was lost comes again, before anything else of its session.
    const expected = taken.has(id) ? last : last + 1;
    if (sequence !== expected) {
      note(`${name}: ${sessionId} got sequence ${sequence} when ${expected} was next`);
    }
    if (inFlight.has(sessionId)) note(`${name}: ${sessionId} got two calls at once`);
  }

  function acknowledge({ id, sessionId, sequence }: Call): void {
    if (taken.has(id)) repeats.push(id);
    taken.add(id);
    lastSequences.set(sessionId, sequence);
    for (const look of [...waiting]) look();
  }

  return {
    begin(call) {
      inspect(call);
      inFlight.add(call.sessionId);
      return {
        end(acknowledged) {
          inFlight.delete(call.sessionId);
          if (acknowledged) acknowledge(call);
          else refused++;
        },
      };
    },
    get acknowledged() {
      return taken.size;
    },
    get refused() {
      return refused;
    },
    repeats,
    faults,
    async until(acknowledged, withinMs) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => taken.size >= acknowledged && resolve();
      const timer = setTimeout(() => {
        const told = `${taken.size} of ${acknowledged} events were acknowledged in ${withinMs} ms`;
        reject(new Error(`Cannot wait for ${name} any longer: ${told}`));
      }, withinMs);
      waiting.add(look);
      look();
      try {
        await promise;
      } finally {
        waiting.delete(look);
        clearTimeout(timer);
      }
    },
  };
}
