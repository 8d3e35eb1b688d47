/** Programs of this repository as processes of their own, each ended by the one who started it. */
import { guardLine } from "./log_guard.ts";

/** A running program. `await using` ends it. */
export interface ProgramProcess extends AsyncDisposable {
  readonly pid: number;
  /** Settles when it has ended. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** SIGTERM, and SIGKILL for one that stays on for 10 s. Safe to call more than once. */
  stop(): Promise<void>;
  /** SIGKILL: it has no time for anything. */
  kill(): Promise<void>;
}

export interface ProgramOptions {
  /** Path from the root of the repository. */
  readonly main: string;
  /** For `deno run`, before the program's path. */
  readonly denoArgs?: readonly string[];
  readonly args?: readonly string[];
  /** Its whole environment, beside what Deno itself needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Each line of its standard output. */
  readonly onLine?: (line: string) => void;
  /** Each line of its standard error, which is shown unless somebody takes it here. */
  readonly onErrorLine?: (line: string) => void;
}

const STOP_WITHIN_MS = 10_000;
/** What Deno needs to find its cache and packages. */
const INHERITED = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "NPM_CONFIG_REGISTRY"];

const running = new Set<Deno.ChildProcess>();
// Who ends before its `await using` does takes its processes along.
globalThis.addEventListener("unload", () => running.forEach((child) => send(child, "SIGKILL")));

/** Starts a program of this repository with this Deno. */
export function startProgram(options: ProgramOptions): ProgramProcess {
  const root = new URL("../../", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", ...(options.denoArgs ?? [])],
      new URL(options.main, root).pathname,
      ...(options.args ?? []),
    ],
    clearEnv: true,
    env: { ...inheritedEnv(), ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: options.onErrorLine === undefined ? "inherit" : "piped",
  }).spawn();
  running.add(child);
  let ending = false;
  const onLine = (line: string) => {
    // Patchbay's own log; the simulators are for showing what is sent.
    if (options.main === "main.ts") guardLine(line);
    options.onLine?.(line);
  };
  const output = [readLines(child.stdout, onLine)];
  if (options.onErrorLine !== undefined) output.push(readLines(child.stderr, options.onErrorLine));
  const ended = Promise.all([child.status, ...output])
    .then(async ([status]) => {
      running.delete(child);
      if (!ending) await tellOfEnd(options.main, status);
      return status;
    });

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    ending = true;
    send(child, signal);
    const tooLate = setTimeout(() => send(child, "SIGKILL"), STOP_WITHIN_MS);
    await ended;
    clearTimeout(tooLate);
  }

  const stop = () => end("SIGTERM");
  return {
    pid: child.pid,
    ended,
    stop,
    kill: () => end("SIGKILL"),
    [Symbol.asyncDispose]: stop,
  };
}

/** Starts a program that prints `listening on URL` and resolves with the URL. Rejects when it ends before. */
export async function startListeningProgram(
  options: Omit<ProgramOptions, "onLine">,
): Promise<ProgramProcess & { readonly url: string }> {
  const listening = Promise.withResolvers<string>();
  const program = startProgram({
    ...options,
    onLine(line) {
      const [, url] = /listening on (http:\S+)/.exec(line) ?? [];
      if (url !== undefined) listening.resolve(url);
    },
  });
  const url = await Promise.race([listening.promise, program.ended]);
  if (typeof url !== "string") {
    throw new Error(`Cannot start ${options.main}: it ended with status ${url.code}`);
  }
  return { ...program, url };
}

/** Otherwise only refused connections would be seen of a program that crashed or that somebody else ended. */
async function tellOfEnd(main: string, { code, signal }: Deno.CommandStatus): Promise<void> {
  const line = `${main} ended by itself: ${signal ?? `status ${code}`}\n`;
  await Deno.stderr.write(new TextEncoder().encode(line));
}

function inheritedEnv(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function send(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended by itself.
  }
}

async function readLines(
  output: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
}
