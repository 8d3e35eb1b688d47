/** Programs of this repository as processes of their own, each ended by the one who started it. */

/** A running program. `await using` ends it. */
export interface ProgramProcess extends AsyncDisposable {
  readonly pid: number;
  /** Settles when it has ended and all of its output has been read. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** Sends SIGTERM and returns at once; `ended` tells how it ends. */
  terminate(): void;
  /** SIGTERM, and SIGKILL for one that stays on for a minute. Safe to call more than once. */
  stop(): Promise<Deno.CommandStatus>;
  /** SIGKILL: it has no time for anything. Safe when it has ended. */
  kill(): Promise<void>;
}

export interface ProgramOptions {
  /** Path from the root of the repository. */
  readonly main: string;
  /** The command of `deno` that runs it, with its flags; `run -A --quiet` where left out. */
  readonly denoCommand?: readonly string[];
  /** For that command, before the program's path. */
  readonly denoArgs?: readonly string[];
  readonly args?: readonly string[];
  /** The words of a command that runs another, given behind them. */
  readonly launcher?: readonly string[];
  /** Its whole environment, beside what Deno itself needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Each line of its standard output. */
  readonly onLine?: (line: string) => void;
  /** Each line of its standard error, which is shown unless somebody takes it here. */
  readonly onErrorLine?: (line: string) => void;
}

/** How a program that did not stay up ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A busy machine takes long for a start alone. */
const ENDS_WITHIN_MS = 60_000;
/** What Deno needs to find its cache and packages. */
const INHERITED = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "NPM_CONFIG_REGISTRY"];
const ROOT = new URL("../../", import.meta.url);

const running = new Set<Deno.ChildProcess>();
// A test run that ends before its `await using` does takes its processes along.
globalThis.addEventListener("unload", () => running.forEach((child) => send(child, "SIGKILL")));

/** Starts a program of this repository with this Deno. */
export function startProgram(options: ProgramOptions): ProgramProcess {
  const { onLine = () => {}, onErrorLine } = options;
  const child = spawn(options, onErrorLine === undefined ? "inherit" : "piped");
  let isExpectedToEnd = false;
  const output = [readLines(child.stdout, onLine)];
  if (onErrorLine !== undefined) output.push(readLines(child.stderr, onErrorLine));
  const ended = Promise.all([child.status, ...output])
    .then(async ([status]) => {
      running.delete(child);
      if (!isExpectedToEnd) await tellOfEnd(options.main, status);
      return status;
    });

  function signal(name: "SIGTERM" | "SIGKILL"): void {
    isExpectedToEnd = true;
    send(child, name);
  }

  async function stop(): Promise<Deno.CommandStatus> {
    signal("SIGTERM");
    const tooLate = setTimeout(() => signal("SIGKILL"), ENDS_WITHIN_MS);
    try {
      return await ended;
    } finally {
      clearTimeout(tooLate);
    }
  }

  return {
    pid: child.pid,
    ended,
    terminate: () => signal("SIGTERM"),
    stop,
    async kill() {
      signal("SIGKILL");
      await ended;
    },
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

/** Starts a program that is expected to end by itself, and tells how it did; it is killed after a minute. */
export async function runToItsEnd(
  options: Omit<ProgramOptions, "onLine" | "onErrorLine">,
): Promise<Ended> {
  const child = spawn(options, "piped");
  const tooLate = setTimeout(() => send(child, "SIGKILL"), ENDS_WITHIN_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(tooLate);
  running.delete(child);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Starts a program that prints `listening on URL` and resolves with the URL. Rejects when it ends before. */
export function startListeningProgram(
  options: ProgramOptions,
): Promise<ProgramProcess & { readonly url: string }> {
  return startAnnouncedProgram(options, /listening on (http:\S+)/);
}

/** Starts a program whose address stands in what it prints, as the group of `pattern`. Rejects when it ends before. */
export async function startAnnouncedProgram(
  options: ProgramOptions,
  pattern: RegExp,
): Promise<ProgramProcess & { readonly url: string }> {
  const announced = Promise.withResolvers<string>();
  const program = startProgram({
    ...options,
    onLine(line) {
      const [, url] = pattern.exec(line) ?? [];
      if (url !== undefined) announced.resolve(url);
      options.onLine?.(line);
    },
  });
  const url = await Promise.race([announced.promise, program.ended]);
  if (typeof url !== "string") {
    throw new Error(`Cannot start ${options.main}: it ended with status ${url.code}`);
  }
  return { ...program, url };
}

function spawn(
  { main, denoCommand = ["run", "-A", "--quiet"], denoArgs = [], ...options }: ProgramOptions,
  stderr: "inherit" | "piped",
): Deno.ChildProcess {
  const [command = "", ...args] = [
    ...(options.launcher ?? []),
    Deno.execPath(),
    ...denoCommand,
    ...denoArgs,
    new URL(main, ROOT).pathname,
    ...(options.args ?? []),
  ];
  const child = new Deno.Command(command, {
    args,
    cwd: ROOT,
    clearEnv: true,
    env: { ...inheritedEnv(), ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr,
  }).spawn();
  running.add(child);
  return child;
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
  if (rest !== "") onLine(rest);
}
