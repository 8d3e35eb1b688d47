import { readTable, type TableReadings, type TextOf } from "./reader.ts";
import { brokenRules } from "./rules.ts";
import { findTypos } from "./typos.ts";

/**
 * The whole configuration, checked. Built once by `readConfig`; nothing else reads the environment. Its members are
 * those of the table in `variables.ts`. Durations are milliseconds unless the name says otherwise; null says that a
 * variable is unset, or that what it switches is off.
 */
export type Config = NonNullable<ReturnType<typeof assemble>>;

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
  const textOf: TextOf = (name) => lookUp(name) || undefined;
  const { readings, faults: faultsOfValues } = readTable(textOf);
  const faults = [...faultsOfValues, ...brokenRules(textOf)];
  const config = assemble(readings, {
    // Deno's own variable and values (https://docs.deno.com/runtime/fundamentals/open_telemetry/), not in our table.
    tracedByPlatform: ["true", "1"].includes(textOf("OTEL_DENO") ?? ""),
  });
  const setNames = [...(names ?? (isLookup(env) ? [] : Object.keys(env)))].filter(textOf);
  const notes = findTypos(setNames, (name) => textOf(name) !== undefined);
  return config === undefined || faults.length > 0
    ? { ok: false, faults, notes }
    : { ok: true, config, notes };
}

/** Makes of single values what they mean together; undefined where one is missing that a fault was told about. */
function assemble(
  { server, upstream, jwt, store, notifications, webhooks, sms, limitsAndLogs }: TableReadings,
  platform: {
    /** Deno's own tracing (`OTEL_DENO`) is on: it writes trace headers by itself. */
    readonly tracedByPlatform: boolean;
  },
) {
  const { encryptionKeys, engine, ...restOfStore } = store;
  const [encryptionKey = null, ...retiredEncryptionKeys] = encryptionKeys ?? [];
  return complete({
    ...platform,
    ...notifications,
    ...limitsAndLogs,
    server: complete({ ...server, corsOrigins: server.corsOrigins ?? [] }),
    upstream: complete({ ...upstream, auth: upstreamAuth(upstream.auth) }),
    subscribe: subscribe(notifications.subscribe),
    jwt: complete({ ...jwt, keys: tokenKeys(jwt.keys) }),
    store: complete({
      ...restOfStore,
      engine: storeEngine(engine),
      /** 32 bytes; null only with SQLite, which keeps a key file of its own. */
      encryptionKey,
      /** Keys that seal nothing more and still open what they have sealed. */
      retiredEncryptionKeys,
    }),
    webhooks: complete({ ...webhooks, egressAllow: webhooks.egressAllow ?? [] }),
    sms: smsAccount(sms),
    /** By which national phone numbers are read; null: by none. They are read with SMS off, too. */
    defaultCountry: sms.defaultCountry,
    log: complete(limitsAndLogs.log),
  });
}

type UpstreamAuth =
  | { readonly mode: "forward" }
  | { readonly mode: "basic"; readonly username: string; readonly password: string }
  /** Each agent's own credentials, kept sealed in the store. */
  | { readonly mode: "vault" };

function upstreamAuth(
  { mode, username, password }: TableReadings["upstream"]["auth"],
): UpstreamAuth | undefined {
  if (mode !== "basic") return mode && { mode };
  return username ? { mode, username, password: password ?? "" } : undefined;
}

/** Which of upstream's CometD notifications to follow; null when it follows none. */
function subscribe({ mode, path, channels }: TableReadings["notifications"]["subscribe"]) {
  return mode === "off" ? null : complete({ path, channels });
}

type TokenKeys =
  | { readonly kind: "remote"; readonly url: URL }
  /** A PEM, JWK or JWKS text. */
  | { readonly kind: "static"; readonly untrustedText: string }
  /** Each issuer tells where its keys are. */
  | { readonly kind: "discovered" };

function tokenKeys(
  { url, untrustedText }: TableReadings["jwt"]["keys"],
): TokenKeys | undefined {
  if (url === undefined || untrustedText === undefined) return undefined;
  if (url !== null) return { kind: "remote", url };
  return untrustedText === null ? { kind: "discovered" } : { kind: "static", untrustedText };
}

type StoreEngine =
  | { readonly kind: "upstash"; readonly url: URL; readonly token: string }
  | { readonly kind: "redis"; readonly url: URL }
  | { readonly kind: "sqlite"; readonly path: string; readonly sync: "normal" | "full" };

/** SQLite has defaults, so it is what remains when no other store is set. */
function storeEngine(
  { upstash, redisUrl, sqlite }: TableReadings["store"]["engine"],
): StoreEngine | undefined {
  const { url, token } = upstash;
  if (url && token) return { kind: "upstash", url, token };
  if (redisUrl) return { kind: "redis", url: redisUrl };
  return complete({ kind: "sqlite" as const, ...sqlite });
}

/** SMS through Twilio; null when it is off, which it is while neither the account nor its token is set. */
function smsAccount({ defaultCountry: _, ...sms }: TableReadings["sms"]) {
  const { accountSid, authToken } = sms;
  if (accountSid === null && authToken === null) return null;
  if (!accountSid || !authToken) return undefined;
  return complete({ ...sms, accountSid, authToken, sender: textSender(sms.sender) });
}

type TextSender = { readonly from: string } | { readonly messagingServiceSid: string };

function textSender(
  { from, messagingServiceSid }: TableReadings["sms"]["sender"],
): TextSender | undefined {
  if (from) return { from };
  return messagingServiceSid ? { messagingServiceSid } : undefined;
}

type Complete<T> = { readonly [Member in keyof T]: Exclude<T[Member], undefined> };

/** The parts as a whole, once none of them is undefined. */
function complete<T extends object>(parts: T): Complete<T> | undefined {
  return isComplete(parts) ? parts : undefined;
}

function isComplete<T extends object>(parts: T): parts is T & Complete<T> {
  return Object.values(parts).every((part) => part !== undefined);
}

function lookUpIn(env: Environment): (name: string) => string | undefined {
  return isLookup(env) ? (name) => env.get(name) : (name) => env[name];
}

function isLookup(env: Environment): env is { get(name: string): string | undefined } {
  return typeof env.get === "function";
}
