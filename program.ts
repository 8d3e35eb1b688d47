import process from "node:process";
import { systemClock } from "./services/support/clock.ts";
import { type Config, readConfig } from "./services/config/config.ts";
import { StoreUnavailable } from "./services/errors.ts";
import { OtherTerms } from "./services/store/charter.ts";
import { systemNetwork } from "./services/http/network.ts";
import { createLogger, type Logger } from "./services/support/log.ts";
import {
  MissingKeyFile,
  UnreachableKeyFile,
  UnusableKeyFile,
} from "./services/sealing/key_file.ts";
import type { Environment } from "./composition/environment.ts";
import { VERSION } from "./version.ts";

/** sysexits(3): EX_USAGE and EX_UNAVAILABLE. */
const EX_USAGE = 64;
export const EX_UNAVAILABLE = 69;

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

  deno task start
  DENO_JOBS=4 deno task serve

It takes no options: the environment configures it, .env.example lists every variable, README.md explains them.
To try it without any set-up: deno task dev`;

/**
 * The program around a Patchbay: arguments, the environment, the log on stdout, signals, exit statuses.
 * `start` builds and starts the Patchbay itself.
 */
export async function runProgram(
  start: (config: Config, environment: Environment) => Promise<Patchbay>,
): Promise<void> {
  const started = Promise.withResolvers<Patchbay>();
  // Before anyone can be told that it listens: a signal that comes at once drains too.
  onSignal(async () => {
    await (await started.promise).drain();
    Deno.exit(0);
  });
  // deno-lint-ignore no-console
  const { made } = await begin(start, (line) => console.log(line));
  started.resolve(made);
}

/** What every program of Patchbay begins with. Ends the process where the environment or the store is not usable. */
export async function begin<T>(
  make: (config: Config, environment: Environment) => Promise<T>,
  writeLine: (line: string) => void,
): Promise<{ readonly made: T; readonly config: Config; readonly log: Logger }> {
  if (Deno.args.length > 0) {
    // deno-lint-ignore no-console
    console.log(HELP);
    Deno.exit(Deno.args.some((arg) => arg === "--help" || arg === "-h") ? 0 : EX_USAGE);
  }
  const reading = readConfig(Deno.env, { names: await namesOfVariables() });
  // From here on packages find no variable: none is meant for them, and `debug`, which comes with one of them, enumerates all of
  // them, for which Deno wants the permission to read the whole environment.
  process.env = {};
  if (!reading.ok) {
    // deno-lint-ignore no-console
    for (const line of [...reading.faults, ...reading.notes]) console.error(line);
    Deno.exit(EX_CONFIG);
  }
  const { config, notes } = reading;
  const log = createLogger({ ...config.log, now: Date.now, write: writeLine });
  for (const note of notes) log.warn("config.note", { note });

  const environment = {
    log,
    clock: systemClock,
    random: Math.random,
    fetch,
    network: systemNetwork,
  };
  const made = await make(config, environment).catch((error: unknown) => {
    // deno-lint-ignore no-console
    console.error(startFailure(error, config));
    Deno.exit(isConfigurationFault(error) ? EX_CONFIG : EX_UNAVAILABLE);
  });
  return { made, config, log };
}

/** Those that are set; none where Deno lets only known ones be read, so that misspelt ones are not noticed there. */
async function namesOfVariables(): Promise<readonly string[]> {
  const { state } = await Deno.permissions.query({ name: "env" });
  return state === "granted" ? Object.keys(Deno.env.toObject()) : [];
}

/** Runs `stop` at the first SIGINT or SIGTERM. */
export function onSignal(stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (stopping) return;
      stopping = true;
      void stop();
    });
  }
}

/** An address that can be asked, where `0.0.0.0` only says that all are listened on. */
export function urlOf(host: string, port: number): string {
  return `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`;
}

/** Whether the settings are at fault: they do not go with what the store was begun with. */
function isConfigurationFault(error: unknown): error is Error {
  return error instanceof OtherTerms || error instanceof MissingKeyFile ||
    error instanceof UnusableKeyFile;
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
  if (isConfigurationFault(error) || error instanceof UnreachableKeyFile) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
