import { readJwt, readServer, readUpstream } from "./config/edge_sections.ts";
import { readSms, readWebhooks } from "./config/outgoing_sections.ts";
import { headerToken, oneOf, rateLimit } from "./config/parsers.ts";
import { complete, createReader, type Reader } from "./config/reader.ts";
import { readStore } from "./config/store_section.ts";
import { findTypos } from "./config/typos.ts";

/**
 * The whole configuration, checked. Built once by `readConfig`; nothing else reads the environment.
 * Durations are milliseconds unless the name says otherwise.
 */
export interface Config {
  readonly server: {
    readonly host: string;
    readonly port: number;
    /** How Twilio and consumers reach us; null when not set (allowed only without SMS). */
    readonly publicUrl: URL | null;
    readonly drainMs: number;
    /** How many proxies in front are ours (DESIGN §4). */
    readonly trustProxyHops: number;
  };
  readonly upstream: {
    /** Origin of the contact centre; `/api/v2/…` is appended. */
    readonly url: URL;
    readonly auth:
      | { readonly mode: "forward" }
      | { readonly mode: "basic"; readonly username: string; readonly password: string };
    readonly timeoutMs: number;
  };
  readonly jwt: {
    readonly issuer: string;
    readonly audiences: readonly string[];
    readonly keys:
      | { readonly kind: "remote"; readonly url: URL }
      /** A PEM, JWK or JWKS text. */
      | { readonly kind: "static"; readonly untrustedText: string };
    readonly algorithms: readonly string[];
    readonly clockToleranceS: number;
    readonly agentClaim: string;
    readonly scopeClaim: string;
  };
  readonly store: {
    readonly engine:
      | { readonly kind: "upstash"; readonly url: URL; readonly token: string }
      | { readonly kind: "redis"; readonly url: URL }
      | { readonly kind: "sqlite"; readonly path: string; readonly sync: "normal" | "full" };
    readonly shards: number;
    /** 32 bytes; null only with SQLite, which keeps a key file of its own. */
    readonly encryptionKey: Uint8Array | null;
    readonly sessionTtlMs: number;
    readonly eventRetentionMs: number;
  };
  /** Bearer token of the HTTP ingress; null: the route answers 404. */
  readonly notificationsToken: string | null;
  readonly webhooks: {
    readonly timeoutMs: number;
    /** Waits between attempts: n waits make n + 1 attempts. */
    readonly retryWaitsMs: readonly number[];
    /** CIDRs or hosts that the egress guard lets through. */
    readonly egressAllow: readonly string[];
  };
  /** Null: SMS is off. */
  readonly sms: {
    readonly accountSid: string;
    readonly authToken: string;
    readonly authTokenNext: string | null;
    readonly sender:
      | { readonly from: string }
      | { readonly messagingServiceSid: string };
    readonly apiUrl: URL;
  } | null;
  /** Token bucket per agent; null: off. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | null;
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly format: "json" | "pretty";
  };
}

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
  const config = readSections(reader);
  const setNames = [...(names ?? (isLookup(env) ? [] : Object.keys(env)))].filter(lookUp);
  const notes = findTypos(setNames, reader.isSet);
  return config === undefined || reader.faults.length > 0
    ? { ok: false, faults: reader.faults, notes }
    : { ok: true, config, notes };
}

function readSections(reader: Reader): Config | undefined {
  // This version has no subscriber: the variable is read only to refuse what it cannot do.
  reader.required("SUBSCRIBE", oneOf(["off"], " (on is not available in this version)"));
  return complete<Config>({
    server: readServer(reader),
    upstream: readUpstream(reader),
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
