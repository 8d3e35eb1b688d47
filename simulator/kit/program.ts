import type { Simulator } from "./simulator.ts";

/** A fault in the command line: told on stderr without a stack trace, exit status 2. */
export class UsageError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = "UsageError";
  }
}

/** Writes one line for the person at the terminal. */
export function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

/** Reads a `--port` flag. */
export function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) {
    throw new UsageError(`Cannot use --port ${text}: expected an integer from 0 to 65535`);
  }
  return port;
}

/** Reads a flag that counts something. */
export function readCount(flag: string, text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= 1)) throw new UsageError(`Cannot use ${flag}=${text}: expected an integer from 1`);
  return count;
}

/** Runs a program that ends by itself; a fault in its command line is told in a line. */
export async function runMain(main: (args: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await main(Deno.args);
  } catch (error) {
    if (!isUsageFault(error)) throw error;
    await Deno.stderr.write(new TextEncoder().encode(`${error.message}\nTry --help\n`));
    Deno.exitCode = 2;
  }
}

/**
 * Runs a simulator as a program: `start` reads the flags and starts it (null: there was only help to show),
 * then it stays up until SIGINT or SIGTERM.
 */
export function runProgram(
  start: (args: readonly string[]) => Promise<Simulator | null>,
): Promise<void> {
  return runMain(async (args) => {
    await using simulator = await start(args);
    if (simulator !== null) await untilSignalled();
  });
}

function isUsageFault(error: unknown): error is Error {
  // node:util's parseArgs has no class of its own for what it refuses, only codes.
  return error instanceof UsageError ||
    (error instanceof Error && "code" in error && typeof error.code === "string" &&
      error.code.startsWith("ERR_PARSE_ARGS_"));
}

async function untilSignalled(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  await promise;
  Deno.removeSignalListener("SIGINT", stop);
  Deno.removeSignalListener("SIGTERM", stop);
}
