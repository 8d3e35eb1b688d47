/**
 * Patchbay as its operators run it: a process of its own, known by its environment, its log and its answers alone.
 */
import { guardLine } from "../support/log_guard.ts";
import { type Arrivals, type ArrivalsOwner, createArrivals } from "./arrivals.ts";

/** What the program is told; nothing of the test's own environment reaches it beside what Deno needs. */
export type Environment = Readonly<Record<string, string>>;

/** One line of the log, as `LOG_FORMAT=json` writes it. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A running Patchbay. `await using` ends it, whatever it is doing. */
export interface PatchbayProcess extends AsyncDisposable {
  /** Where it listens, as it said itself. */
  readonly url: string;
  readonly pid: number;
  readonly log: Arrivals<LogLine>;
  /** What it has written to stderr so far. */
  readonly stderr: string;
  /** The first log line with this `event`, come or still to come. */
  logged(event: string): Promise<LogLine>;
  /** Sends SIGTERM and returns at once; {@link PatchbayProcess.exited} tells how it ends. */
  terminate(): void;
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number>;
  /** SIGTERM, and its exit code; a process that does not end is killed, and that is an error. */
  stop(): Promise<number>;
  /** SIGKILL: it has no time to do anything. Safe when it has ended. */
  kill(): Promise<void>;
}

/** How a Patchbay that did not stay up ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** By itself, or by `deno serve` in several workers. */
export type Program = keyof typeof DENO_ARGS;

/** How Patchbay is run. */
export interface Running {
  /** `main.ts` where left out. */
  readonly program?: Program;
  /** The words of a command that runs another, given behind them. */
  readonly launcher?: readonly string[];
}

const DENO_ARGS = {
  "main.ts": ["run", "-A", "main.ts"],
  "serve.ts": ["serve", "-A", "--parallel", "--host", "127.0.0.1", "--port", "0", "serve.ts"],
} as const;

const REPOSITORY = new URL("../../", import.meta.url);
const READY_WITHIN_MS = 15_000;
const ENDS_WITHIN_MS = 15_000;

/** What Deno itself needs to find its cache and packages. */
const DENOS_OWN = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "NPM_CONFIG_REGISTRY"];

const alive = new Set<Deno.ChildProcess>();
// A test run that ends before its `await using` does takes its processes along.
globalThis.addEventListener("unload", () => alive.forEach(killIfAlive));

/**
 * Starts Patchbay on a free port of 127.0.0.1 and resolves once it listens.
 *
 * @throws Error with what it wrote when it ends instead, or does not listen within 15 s
 */
export async function startPatchbayProcess(
  env: Environment,
  running: Running = {},
): Promise<PatchbayProcess> {
  const child = spawn(env, running);
  const log = createArrivals<LogLine>((line) => JSON.stringify(line));
  let stderr = "";
  const output = Promise.all([
    forEachChunk(child.stdout, splitIntoLines(log)),
    forEachChunk(child.stderr, (text) => stderr += text),
  ]);
  const exited = endOf(child, output, () => log.end("it has ended"));

  async function kill(): Promise<void> {
    killIfAlive(child);
    await exited;
  }

  async function stop(): Promise<number> {
    terminate(child);
    let killed = false;
    const tooLate = setTimeout(() => {
      killed = true;
      killIfAlive(child);
    }, ENDS_WITHIN_MS);
    const code = await exited;
    clearTimeout(tooLate);
    if (killed) throw new Error(`Cannot stop Patchbay: SIGTERM did not end it`);
    return code;
  }

  let url: string;
  try {
    url = await log.until("patchbay.listening", listeningUrl, READY_WITHIN_MS);
  } catch (error) {
    await kill();
    throw new Error(`Cannot start Patchbay: it said ${JSON.stringify(stderr)}`, { cause: error });
  }

  return {
    url,
    pid: child.pid,
    log,
    get stderr() {
      return stderr;
    },
    logged: (event) => log.until(event, (lines) => lines.find((line) => line.event === event)),
    terminate: () => terminate(child),
    exited,
    stop,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** Starts Patchbay with an environment with which it is expected to end by itself, and tells how it did. */
export async function runPatchbayToItsEnd(
  env: Environment,
  running: Running = {},
): Promise<Ended> {
  const child = spawn(env, running);
  const tooLate = setTimeout(() => killIfAlive(child), READY_WITHIN_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(tooLate);
  alive.delete(child);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

function spawn(
  env: Environment,
  { program = "main.ts", launcher = [] }: Running,
): Deno.ChildProcess {
  const own = DENOS_OWN.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const [command = "", ...args] = [...launcher, Deno.execPath(), ...DENO_ARGS[program]];
  const child = new Deno.Command(command, {
    args,
    cwd: REPOSITORY,
    clearEnv: true,
    env: { ...Object.fromEntries(own), HOST: "127.0.0.1", PORT: "0", LOG_FORMAT: "json", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  alive.add(child);
  return child;
}

async function endOf(
  child: Deno.ChildProcess,
  output: Promise<unknown>,
  onEnd: () => void,
): Promise<number> {
  const { code } = await child.status;
  alive.delete(child);
  await output;
  onEnd();
  return code;
}

function listeningUrl(lines: readonly LogLine[]): string | undefined {
  const url = lines.find(({ event }) => event === "patchbay.listening")?.url;
  return typeof url === "string" ? url : undefined;
}

async function forEachChunk(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  see: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) see(text);
}

function splitIntoLines(log: ArrivalsOwner<LogLine>): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      guardLine(line);
      log.add(readLine(line));
    }
  };
}

/** A line that is not JSON is kept as it is, so that a failing wait shows it. */
function readLine(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { unreadable: line };
  }
}

function terminate(child: Deno.ChildProcess): void {
  signal(child, "SIGTERM");
}

function killIfAlive(child: Deno.ChildProcess): void {
  signal(child, "SIGKILL");
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended by itself.
  }
}
