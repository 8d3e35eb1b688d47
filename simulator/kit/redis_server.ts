/**
 * Real `redis-server` processes for development and tests: each on a loopback port of its own, each ended by the one who
 * started it.
 */

/** How a server is started. */
export interface RedisServerOptions {
  /** Further words of its command line, such as `["--maxmemory", "2mb"]`; a later word overrides an earlier one. */
  readonly args?: readonly string[];
  /** A port of one's own choice; by default a free one. */
  readonly port?: number;
  /** Where it writes; by default a temporary directory that `stop()` removes. */
  readonly dir?: string;
  /** Keeps the data over `restart()`, also after `kill()`. By default nothing is ever written down. */
  readonly appendOnly?: boolean;
}

/** A running server. `await using` stops it. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:{port}` */
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  /** Ends it in good order and removes its temporary directory. Safe to call twice. */
  stop(): Promise<void>;
  /** SIGKILL: it has no time to write anything. `restart()` brings it back. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing is answered any more. */
  pause(): void;
  /** SIGCONT: ends a pause. */
  resume(): void;
  /** Ends it, unless it has ended, and starts it again on the same port and directory. */
  restart(): Promise<void>;
  /** Runs one command through `redis-cli` and gives what it prints, without the last newline. */
  cli(...args: string[]): Promise<string>;
}

const STARTS = 10;
const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 5_000;

let available: boolean | undefined;

/** Whether `redis-server` is on the PATH. */
export function redisAvailable(): boolean {
  available ??= runs("redis-server");
  return available;
}

/**
 * Starts a `redis-server` and resolves when it has answered PING.
 *
 * @throws Error when it ends before it is ready; the message holds what it said last.
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const ownDir = options.dir === undefined;
  const dir = options.dir ?? await Deno.makeTempDir({ prefix: "redis-" });
  let child: Deno.ChildProcess | null = null;
  let port = 0;

  async function start(wantedPort: number | undefined): Promise<void> {
    for (let attempt = 1;; attempt++) {
      port = wantedPort ?? freePort();
      const outcome = await launch(commandLine(options, port, dir));
      if (outcome.ready) {
        child = outcome.child;
        await answersPing(port);
        return;
      }
      // Between choosing a free port and listening on it somebody else may have taken it.
      const taken = outcome.said.includes("Address already in use") ||
        outcome.said.includes("Failed listening on port");
      if (!taken || attempt === STARTS) {
        throw new Error(`Cannot start redis-server on port ${port}: ${outcome.said.slice(-800)}`);
      }
    }
  }

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const ending = child;
    child = null;
    if (ending !== null) await endProcess(ending, signal);
  }

  async function stop(): Promise<void> {
    // In good order it takes a tenth of a second, which only a server with something to write is worth.
    await end(options.appendOnly === true ? "SIGTERM" : "SIGKILL");
    if (ownDir) await Deno.remove(dir, { recursive: true }).catch(() => {});
  }

  try {
    await start(options.port);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    get url() {
      return `redis://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    dir,
    stop,
    kill: () => end("SIGKILL"),
    pause: () => child?.kill("SIGSTOP"),
    resume: () => child?.kill("SIGCONT"),
    async restart() {
      await end("SIGTERM");
      await start(port);
    },
    cli: (...args) => redisCli(port, args),
    [Symbol.asyncDispose]: stop,
  };
}

function commandLine(options: RedisServerOptions, port: number, dir: string): string[] {
  return [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", dir],
    ...["--daemonize", "no", "--logfile", "", "--loglevel", "notice", "--save", ""],
    // `always`, so that a test of what survives a kill never depends on when Redis last synced.
    ...(options.appendOnly === true
      ? ["--appendonly", "yes", "--appendfsync", "always"]
      : ["--appendonly", "no"]),
    ...(options.args ?? []),
  ];
}

type Launched =
  | { readonly ready: true; readonly child: Deno.ChildProcess }
  | { readonly ready: false; readonly said: string };

/** Starts the process and reads what it says until it is ready or has ended. */
async function launch(args: readonly string[]): Promise<Launched> {
  const child = new Deno.Command("redis-server", {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const tooLate = setTimeout(() => child.kill("SIGKILL"), READY_WITHIN_MS);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let said = "";
    while (true) {
      const { value, done } = await reader.read();
      if (done) break;
      said += value;
      if (said.includes("Ready to accept connections")) {
        await child.stderr.cancel();
        return { ready: true, child };
      }
    }
    // A wrong command line is told here, a taken port above.
    said += await new Response(child.stderr).text();
    await child.status;
    return { ready: false, said: said.trim() };
  } finally {
    clearTimeout(tooLate);
    // Nobody reads on: a pipe that fills up would stop Redis, a closed one it ignores.
    await reader.cancel();
  }
}

/** One PING over a fresh connection; Redis listens by now, so a refusal is a fault. */
async function answersPing(port: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode("PING\r\n"));
  const answer = new Uint8Array(64);
  const length = await connection.read(answer) ?? 0;
  const text = new TextDecoder().decode(answer.subarray(0, length));
  // A password given in `args` is an answer too.
  if (!text.startsWith("+PONG") && !text.startsWith("-NOAUTH")) {
    throw new Error(`Cannot use redis-server on port ${port}: expected PONG, got ${text}`);
  }
}

async function endProcess(child: Deno.ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  try {
    child.kill("SIGCONT");
    child.kill(signal);
  } catch {
    // It has ended by itself.
  }
  const tooLate = setTimeout(() => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }, STOP_WITHIN_MS);
  await child.status;
  clearTimeout(tooLate);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function redisCli(port: number, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("redis-cli", {
    args: ["-e", "-h", "127.0.0.1", "-p", String(port), ...args],
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    const said = decoder.decode(stdout) + decoder.decode(stderr);
    throw new Error(`Cannot run redis-cli ${args[0]}: ${said.trim()}`);
  }
  return decoder.decode(stdout).replace(/\n$/, "");
}

function runs(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
