import fc from "fast-check";
import { faultOf } from "./judge.ts";
import { anyRequest, bytesOf, type FuzzRequest, shown } from "./requests.ts";
import type { FuzzTarget } from "./target.ts";
import { createWireClient, type WireAnswer } from "./wire.ts";

export interface FuzzOptions {
  /** Decides what is asked. */
  readonly seed: number;
  /** So many requests, more or less. */
  readonly requests: number;
  /** Stops after so long, however many there were. */
  readonly withinMs: number;
  readonly onProgress?: (requests: number) => void;
}

export interface FuzzReport {
  readonly requests: number;
  /** How many answers had which status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Which routes have done what they were asked for at least once: `POST /v1/webhooks`. */
  readonly served: ReadonlySet<string>;
  readonly failure: FuzzFailure | null;
}

/** What was found, and how to see it again. */
export interface FuzzFailure {
  /** By which a run begins with what was found. */
  readonly seed: number;
  readonly fault: string;
  /** As few of them, and as plain, as still show it. */
  readonly requests: readonly FuzzRequest[];
}

const LARGEST_BATCH = 64;
const BATCHES_PER_ROUND = 40;
const CLIENTS = 4;
const ANSWERED_WITHIN_MS = 10_000;
/** So that two runs whose seeds are neighbours have no round in common. */
const SEEDS_APART = 1_000_003;
/** Shrinking asks the same again and again. */
const SHRINK_WITHIN_MS = 30_000;

/** Sends what fast-check draws, several at once, and judges what comes of it. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const clients = Array.from({ length: CLIENTS }, () => createWireClient(target.port));
  using _closing = {
    [Symbol.dispose]: () => clients.forEach((client) => client[Symbol.dispose]()),
  };
  const statuses = new Map<number, number>();
  const served = new Set<string>();
  const giveUpAtMs = performance.now() + options.withinMs;
  let requests = 0;
  let hasFailed = false;

  async function send(request: FuzzRequest, at: number): Promise<WireAnswer | null> {
    const answer = await clients[at % CLIENTS]?.send(bytesOf(request, target.context), {
      isHead: request.method === "HEAD",
      withinMs: ANSWERED_WITHIN_MS,
    }) ?? null;
    requests++;
    const status = answer?.status ?? 0;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status >= 200 && status < 300) served.add(`${request.method} ${request.route}`);
    if (answer !== null) target.heard(answer);
    return answer;
  }

  /** Each client has its share of the batch, one request after the other. */
  async function findFault(batch: readonly FuzzRequest[]): Promise<string | null> {
    const faults = await Promise.all(clients.map(async (_, client) => {
      const found: string[] = [];
      for (const request of batch.filter((_, at) => at % CLIENTS === client)) {
        const fault = await send(request, client).then(
          (answer) => faultOf(request, answer),
          (error: unknown) => String(error),
        );
        if (fault !== null) found.push(fault);
      }
      return found;
    }));
    const beside = await target.faults();
    return [...faults.flat(), ...(beside === null ? [] : [beside])].join("\n") || null;
  }

  const batch = fc.array(anyRequest, { maxLength: LARGEST_BATCH, size: "max" });
  for (let round = 0; requests < options.requests && performance.now() < giveUpAtMs; round++) {
    const seed = (options.seed + round * SEEDS_APART) | 0;
    const outcome = await fc.check(
      fc.asyncProperty(batch, async (drawn) => {
        const isOver = requests >= options.requests || performance.now() >= giveUpAtMs;
        if (isOver && !hasFailed) return;
        const fault = await findFault(drawn);
        if (fault === null) return;
        hasFailed = true;
        throw new Error(fault);
      }),
      {
        seed,
        numRuns: BATCHES_PER_ROUND,
        interruptAfterTimeLimit: Math.max(1, giveUpAtMs - performance.now()) + SHRINK_WITHIN_MS,
        markInterruptAsFailure: false,
        includeErrorInReport: false,
      },
    );
    if (outcome.failed) {
      const fault = String(outcome.errorInstance ?? "");
      return {
        requests,
        statuses,
        served,
        failure: { seed, fault, requests: outcome.counterexample?.[0] ?? [] },
      };
    }
    await target.tidy();
    options.onProgress?.(requests);
  }
  return { requests, statuses, served, failure: null };
}

/** What a person needs to see it again. */
export function describeFailure({ seed, fault, requests }: FuzzFailure): string {
  return [
    `found with --seed ${seed}: ${fault}`,
    ...requests.map((request, at) => `${at + 1}. ${shown(request)}`),
  ].join("\n");
}
