import { systemClock } from "./services/clock.ts";
import { type Config, readConfig } from "./services/config.ts";
import { StoreUnavailable } from "./services/errors.ts";
import { createLogger } from "./services/log.ts";
import { MissingKeyFile, UnusableKeyFile } from "./services/sealing/key_file.ts";
import type { Environment } from "./composition/environment.ts";
import { VERSION } from "./version.ts";

/** sysexits(3): EX_USAGE and EX_UNAVAILABLE. */
const EX_USAGE = 64;
const EX_UNAVAILABLE = 69;

/** Exit status for a configuration that cannot be used: sysexits(3) EX_CONFIG. */
const EX_CONFIG = 78;

/** A Patchbay that listens. */
export interface Patchbay {
  /** Where it listens; with `PORT=0` this tells the port. */
  readonly url: string;
  /** Takes no more requests, finishes what is under way within `DRAIN_MS`, gives leases back, closes the store. */
  drain(): Promise<void>;
}

const HELP =
  `Patchbay ${VERSION}: an edge proxy and webhook bridge for a contact centre's SMS sessions.

  deno run --allow-all --env-file main.ts

It takes no options: the environment configures it, .env.example lists every variable, README.md explains them.
To try it without any set-up: deno task dev`;

/**
 * The program around a Patchbay: arguments, the environment, the log on stdout, signals, exit statuses.
 * `start` builds and starts the Patchbay itself.
 */
export async function runProgram(
  start: (config: Config, environment: Environment) => Promise<Patchbay>,
): Promise<void> {
  if (Deno.args.length > 0) {
    // deno-lint-ignore no-console
    console.log(HELP);
    Deno.exit(Deno.args.some((arg) => arg === "--help" || arg === "-h") ? 0 : EX_USAGE);
  }
  const reading = readConfig(Deno.env.toObject());
  if (!reading.ok) {
    // deno-lint-ignore no-console
    for (const line of [...reading.faults, ...reading.notes]) console.error(line);
    Deno.exit(EX_CONFIG);
  }
  const { config, notes } = reading;
  const log = createLogger({
    ...config.log,
    now: Date.now,
    // deno-lint-ignore no-console
    write: (line) => console.log(line),
  });
  for (const note of notes) log.warn("config.note", { note });

  const environment = { log, clock: systemClock, random: Math.random, fetch };
  const patchbay = await start(config, environment).catch((error: unknown) => {
    // deno-lint-ignore no-console
    console.error(startFailure(error, config));
    Deno.exit(EX_UNAVAILABLE);
  });
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await patchbay.drain();
    Deno.exit(0);
  };
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
}

/** Why it does not start, in one line where the reason is an everyday one. */
function startFailure(error: unknown, { server: { host, port } }: Config): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `Cannot listen on ${host}:${port}: expected a PORT that no other program listens on`;
  }
  if (
    error instanceof Deno.errors.AddrNotAvailable || error instanceof Deno.errors.PermissionDenied
  ) {
    return `Cannot listen on ${host}:${port}: ${error.message}`;
  }
  if (error instanceof StoreUnavailable) {
    return `${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ""}`;
  }
  if (error instanceof UnusableKeyFile || error instanceof MissingKeyFile) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
