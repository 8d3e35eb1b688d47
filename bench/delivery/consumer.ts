import { type ProgramProcess, startListeningProgram } from "../../tests/support/program_process.ts";

/** What arrived since the report before: first arrivals in their order. */
export interface ConsumerReport {
  /** Which notification it was. */
  readonly marks: readonly number[];
  /** When the head of its request was there, on the wall clock. */
  readonly atMs: readonly number[];
  /** How many requests had a `webhook-id` that had been there before. */
  readonly repeats: number;
}

/** The fast consumer, in a process of its own. */
export interface Consumer extends ProgramProcess {
  /** Answers at once. */
  readonly hookUrl: string;
  /** Answers after 15 s. */
  readonly hangUrl: string;
  /** How many distinct events have arrived since the last report. */
  readonly distinct: () => number;
  /** Resolves when at least `count` have arrived, false after `withinMs`. */
  until(count: number, withinMs: number): Promise<boolean>;
  /** Hands out what has arrived and starts anew. */
  report(): Promise<ConsumerReport>;
}

/** Starts one and follows its progress. */
export async function startConsumer(): Promise<Consumer> {
  const program = await startListeningProgram({ main: "bench/delivery/consumer_program.ts" });
  const { url } = program;
  const response = await fetch(`${url}/progress`);
  let distinct = 0;
  const waiting = new Set<() => void>();
  const following = follow(response, (count) => {
    distinct = count;
    for (const look of [...waiting]) look();
  });

  async function until(count: number, withinMs: number): Promise<boolean> {
    if (distinct >= count) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const look = () => distinct >= count && resolve(true);
    const timer = setTimeout(() => resolve(false), withinMs);
    waiting.add(look);
    const arrived = await promise;
    waiting.delete(look);
    clearTimeout(timer);
    return arrived;
  }

  async function stop(): Promise<Deno.CommandStatus> {
    const status = await program.stop();
    await following;
    return status;
  }

  return {
    ...program,
    hookUrl: `${url}/hook`,
    hangUrl: `${url}/hang`,
    distinct: () => distinct,
    until,
    async report() {
      const answer = await fetch(`${url}/report`);
      distinct = 0;
      return await answer.json();
    },
    stop,
    [Symbol.asyncDispose]: async () => void await stop(),
  };
}

async function follow(response: Response, onCount: (count: number) => void): Promise<void> {
  try {
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const last = text.trimEnd().split("\n").at(-1);
      if (last !== undefined) onCount(Number(last));
    }
  } catch {
    // The consumer was stopped.
  }
}
