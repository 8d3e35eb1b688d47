/**
 * Patchbay as its operators run it: a process of its own, known by its environment, its log and its answers alone.
 */
import { createInbox, type Inbox } from "../../simulator/kit/inbox.ts";
import { HURRIED_MAIN } from "./hurried_main.ts";
import { guardLine } from "./log_guard.ts";
import { type Ended, type ProgramOptions, runToItsEnd, startProgram } from "./program_process.ts";

/** What the program is told; nothing of the test's own environment reaches it beside what Deno needs. */
export type Environment = Readonly<Record<string, string>>;

/** One line of the log, as `LOG_FORMAT=json` writes it. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A Patchbay that may not listen yet. `await using` kills it, whatever it is doing. */
export interface StartingPatchbay extends AsyncDisposable {
  readonly pid: number;
  readonly log: Inbox<LogLine>;
  /** What it has written to stderr so far. */
  readonly stderr: string;
  /** The first log line with this `event`, come or still to come. */
  logged(event: string): Promise<LogLine>;
  /** Sends SIGTERM and returns at once; {@link StartingPatchbay.exited} tells how it ends. */
  terminate(): void;
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number>;
  /** SIGTERM, and its exit code; a process that does not end is killed, and that is an error. */
  stop(): Promise<number>;
  /** SIGKILL: it has no time to do anything. Safe when it has ended. */
  kill(): Promise<void>;
}

/** A running Patchbay. */
export interface PatchbayProcess extends StartingPatchbay {
  /** Where it listens. */
  readonly url: string;
}

/** By itself, by `deno serve` in several workers, or by itself on a clock that is ahead of real time more and more. */
export type Program = keyof typeof DENO_COMMANDS;

/** How Patchbay is run. */
export interface Running {
  /** `main.ts` where left out. */
  readonly program?: Program;
  /** The words of a command that runs another, given behind them. */
  readonly launcher?: readonly string[];
  /** For `deno`, before the program's path. */
  readonly denoArgs?: readonly string[];
  /** Sees each line of its log as it is written. */
  readonly onLine?: (line: string) => void;
  /** Sees each line of its standard error. */
  readonly onErrorLine?: (line: string) => void;
}

const DENO_COMMANDS = {
  // With names of its own, which it is told by a server of the test's.
  "tests/support/patchbay_with_names.ts": ["run", "-A", "--quiet"],
  "main.ts": ["run", "--quiet", ...await permissionsOf("start")],
  [HURRIED_MAIN]: ["run", "--quiet", ...await permissionsOf("start")],
  "serve.ts": [
    "serve",
    ...await permissionsOf("serve"),
    "--parallel",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
  ],
} as const;

const READY_WITHIN_MS = 60_000;

/**
 * Starts Patchbay on a free port of 127.0.0.1 and resolves once it says in its log that it listens.
 *
 * @throws Error with what it wrote when it ends instead, or does not listen within 60 s
 */
export async function startPatchbayProcess(
  env: Environment,
  running: Running = {},
): Promise<PatchbayProcess> {
  const patchbay = spawnPatchbay(env, running);
  try {
    const url = await patchbay.log.until("patchbay.listening", listeningUrl, {
      timeoutMs: READY_WITHIN_MS,
    });
    return Object.assign(patchbay, { url });
  } catch (error) {
    await patchbay.kill();
    const said = JSON.stringify(patchbay.stderr);
    throw new Error(`Cannot start Patchbay: it said ${said}`, { cause: error });
  }
}

/** Starts Patchbay and returns at once. */
export function spawnPatchbay(env: Environment, running: Running = {}): StartingPatchbay {
  const log = createInbox<LogLine>("log line", { describe: (line) => JSON.stringify(line) });
  let stderr = "";
  const process = startProgram({
    ...programOptions(env, running),
    onLine(line) {
      guardLine(line);
      log.add(readLine(line));
      running.onLine?.(line);
    },
    onErrorLine(line) {
      stderr += `${line}\n`;
      running.onErrorLine?.(line);
    },
  });
  const exited = process.ended.then(({ code }) => {
    log.close("it has ended");
    return code;
  });
  let isKilled = false;

  function kill(): Promise<void> {
    isKilled = true;
    return process.kill();
  }

  return {
    pid: process.pid,
    log,
    get stderr() {
      return stderr;
    },
    logged: (event) => log.until(event, (lines) => lines.find((line) => line.event === event)),
    terminate: process.terminate,
    exited,
    async stop() {
      const { code, signal } = await process.stop();
      if (signal === "SIGKILL" && !isKilled) {
        throw new Error("Cannot stop Patchbay: SIGTERM did not end it");
      }
      return code;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** Starts Patchbay with an environment with which it is expected to end by itself, and tells how it did. */
export function runPatchbayToItsEnd(env: Environment, running: Running = {}): Promise<Ended> {
  return runToItsEnd(programOptions(env, running));
}

/** What the tasks let it do, but for the file of variables: only what the test says is set. */
async function permissionsOf(task: "start" | "serve"): Promise<readonly string[]> {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  const words: readonly string[] = tasks[task].command.split(" ");
  return words.filter((word) => word.startsWith("--allow-") || word === "--no-prompt");
}

/** What operators give it whose database is not in `data`. */
function allowedFolder({ SQLITE_PATH = "" }: Environment): readonly string[] {
  if (!SQLITE_PATH.includes("/")) return [];
  const folder = SQLITE_PATH.slice(0, SQLITE_PATH.lastIndexOf("/"));
  return [`--allow-read=${folder}`, `--allow-write=${folder}`];
}

function programOptions(
  env: Environment,
  { program = "main.ts", launcher = [], denoArgs = [] }: Running,
): ProgramOptions {
  return {
    main: program,
    denoCommand: DENO_COMMANDS[program],
    denoArgs: [...allowedFolder(env), ...denoArgs],
    launcher,
    env: { HOST: "127.0.0.1", PORT: "0", LOG_FORMAT: "json", ...env },
  };
}

function listeningUrl(lines: readonly LogLine[]): string | undefined {
  const url = lines.find(({ event }) => event === "patchbay.listening")?.url;
  return typeof url === "string" ? url : undefined;
}

/** A line that is not JSON is kept as it is, so that a failing wait shows it. */
function readLine(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { unreadable: line };
  }
}
