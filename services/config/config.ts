import type { Config } from "./shape.ts";
import { readJwt, readServer, readSubscribe, readUpstream } from "./edge_sections.ts";
import { readSms, readWebhooks } from "./outgoing_sections.ts";
import { headerToken, oneOf, rateLimit } from "./parsers.ts";
import { complete, createReader, type Reader } from "./reader.ts";
import { readStore } from "./store_section.ts";
import { findTypos } from "./typos.ts";

export type { Config };

/** What `readConfig` makes of an environment. */
export type ConfigReading =
  | { readonly ok: true; readonly config: Config; readonly notes: readonly string[] }
  /** `faults`: every one, a line each, ready to be shown; no secret is among them. */
  | { readonly ok: false; readonly faults: readonly string[]; readonly notes: readonly string[] };

/** An environment: something to ask, as `Deno.env` is, or a plain object. */
export type Environment =
  | { get(name: string): string | undefined }
  | Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks the whole configuration (DESIGN §4). An empty variable counts as unset.
 *
 * `notes` are lines for the log that stop nothing: variables that look like a misspelt one. They need the names of
 * all variables that are set; a plain object tells its own, any other environment has to have them handed in as
 * `names`, for which Deno wants the permission to read the whole environment.
 */
export function readConfig(
  env: Environment,
  { names }: { readonly names?: Iterable<string> } = {},
): ConfigReading {
  const lookUp = lookUpIn(env);
  const reader = createReader(lookUp);
  const config = readSections(reader, {
    // Deno's own variable and values (https://docs.deno.com/runtime/fundamentals/open_telemetry/), not in our table.
    tracedByPlatform: ["true", "1"].includes(lookUp("OTEL_DENO") ?? ""),
  });
  const setNames = [...(names ?? (isLookup(env) ? [] : Object.keys(env)))].filter(lookUp);
  const notes = findTypos(setNames, reader.isSet);
  return config === undefined || reader.faults.length > 0
    ? { ok: false, faults: reader.faults, notes }
    : { ok: true, config, notes };
}

function readSections(
  reader: Reader,
  platform: Pick<Config, "tracedByPlatform">,
): Config | undefined {
  return complete<Config>({
    ...platform,
    server: readServer(reader),
    upstream: readUpstream(reader),
    subscribe: readSubscribe(reader),
    jwt: readJwt(reader),
    store: readStore(reader),
    notificationsToken: reader.optional("NOTIFICATIONS_TOKEN", headerToken),
    webhooks: readWebhooks(reader),
    sms: readSms(reader),
    rateLimit: reader.required("RATE_LIMIT_PER_AGENT", rateLimit),
    log: complete<Config["log"]>({
      level: reader.required("LOG_LEVEL", oneOf(["debug", "info", "warn", "error"])),
      format: reader.required("LOG_FORMAT", oneOf(["json", "pretty"])),
    }),
  });
}

function lookUpIn(env: Environment): (name: string) => string | undefined {
  return isLookup(env) ? (name) => env.get(name) : (name) => env[name];
}

function isLookup(env: Environment): env is { get(name: string): string | undefined } {
  return typeof env.get === "function";
}
