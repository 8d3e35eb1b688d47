import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type LocalJWKSet,
} from "jose";
import type { Clock } from "../support/clock.ts";
import { KeysUnavailable } from "../errors.ts";
import { startDeadline } from "../http/deadline.ts";
import { exchange, type ExchangeFailure } from "../http/exchange.ts";
import { overFetch } from "../http/transport.ts";
import type { Logger } from "../support/log.ts";

/** The issuer's public keys, as the token verifier needs them. */
export interface KeySet {
  /**
   * The key for a token's header, in the form that `jwtVerify` of jose takes.
   *
   * Throws jose's `JWKSNoMatchingKey` when no key of the set fits (the token's fault), `JWKSMultipleMatchingKeys` when
   * several do, and {@link KeysUnavailable} when there is no set to look in (not the token's fault).
   */
  readonly keyFor: JWTVerifyGetKey;
  /** Gets the keys ahead of the first token. Never throws: what went wrong is logged, and tokens make it try again. */
  warm(): Promise<void>;
  state(): KeySetState;
}

/** What readiness wants to know. */
export interface KeySetState {
  /** Whether a token can be verified now. */
  readonly loaded: boolean;
  /** Age of the newest set, in milliseconds; null when none was ever had. */
  readonly ageMs: number | null;
}

export interface RemoteKeySetOptions {
  readonly url: URL;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a set serves without being asked for again. */
  readonly freshMs?: number;
  /** How long after its fetch a set serves while the issuer does not answer. */
  readonly staleMs?: number;
  /** The least time between two requests that unknown `kid`s cause, and the first wait after a failure. */
  readonly cooldownMs?: number;
  /** The longest wait after a failure. */
  readonly maxBackoffMs?: number;
  /** One request, body included. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/**
 * The key set at an address, fetched when a token needs it.
 *
 * Built on jose's `createLocalJWKSet`, not on its `createRemoteJWKSet`: that one reads `Date.now()` itself, so an
 * injected clock could not govern freshness, asks a dead endpoint once per token, drops good keys when they merely age,
 * and reads answers of any size. Here the wrapper decides when to fetch and what may still serve; jose does what needs
 * cryptographic care, choosing and importing the key.
 */
export function createRemoteKeySet({
  url,
  fetch,
  clock,
  log,
  freshMs = 10 * 60_000,
  staleMs = 24 * 60 * 60_000,
  cooldownMs = 30_000,
  maxBackoffMs = 120_000,
  timeoutMs = 5_000,
  maxBytes = 256 * 1024,
}: RemoteKeySetOptions): KeySet {
  let newest: { readonly keys: LocalJWKSet; readonly askedAtMs: number } | null = null;
  let underWay: Promise<void> | null = null;
  let lastAskedAtMs = -Infinity;
  let failures = 0;
  let backingOffUntilMs = -Infinity;

  const ageMs = () => newest === null ? Infinity : clock.now() - newest.askedAtMs;
  const isBackingOff = () => clock.now() < backingOffUntilMs;

  /** Fetches, or joins the fetch that is under way. Never rejects: a failure shows in the state. */
  function refresh(): Promise<void> {
    underWay ??= fetchOnce().finally(() => underWay = null);
    return underWay;
  }

  async function fetchOnce(): Promise<void> {
    const askedAtMs = lastAskedAtMs = clock.now();
    try {
      newest = { keys: await fetchKeys({ url, fetch, clock, timeoutMs, maxBytes }), askedAtMs };
      failures = 0;
      log.info("key_set.fetched", { keys: newest.keys.jwks().keys.length });
    } catch (error) {
      const waitMs = Math.min(maxBackoffMs, cooldownMs * 2 ** failures);
      failures += 1;
      backingOffUntilMs = clock.now() + waitMs;
      log.warn("key_set.fetch_failed", {
        reason: error instanceof Error ? error.message : String(error),
        failures,
        retryInMs: waitMs,
        servedAgeMs: newest === null ? null : ageMs(),
      });
    }
  }

  async function refreshIfOld(): Promise<void> {
    if (ageMs() < freshMs || isBackingOff()) return;
    const refreshed = refresh();
    // An endpoint that failed last time is tried again in the background, so that an outage which swallows requests
    // costs the agents one wait of `timeoutMs`, not one per attempt.
    if (failures > 0 && ageMs() <= staleMs) return;
    await refreshed;
  }

  function servingKeys(): LocalJWKSet {
    if (newest !== null && ageMs() <= staleMs) return newest.keys;
    const waitMs = Math.max(1_000, backingOffUntilMs - clock.now());
    throw new KeysUnavailable("Cannot verify the token: the issuer's key set cannot be had", {
      headers: { "retry-after": String(Math.ceil(waitMs / 1000)) },
    });
  }

  async function lookUp(...[header, token]: Parameters<LocalJWKSet>): Promise<CryptoKey> {
    try {
      return await servingKeys()(header, token);
    } catch (error) {
      if (isAnswerAboutKeys(error) || error instanceof KeysUnavailable) throw error;
      // The issuer publishes a key that cannot be used. Its tokens are as good as signed by no known key.
      log.warn("key_set.unusable_key", { kid: header?.kid, reason: String(error) });
      throw new errors.JWKSNoMatchingKey(undefined, { cause: error });
    }
  }

  const mayAskForUnknownKey = () =>
    underWay !== null || (!isBackingOff() && clock.now() - lastAskedAtMs >= cooldownMs);

  return {
    async keyFor(header, token) {
      await refreshIfOld();
      try {
        return await lookUp(header, token);
      } catch (error) {
        // A rotation shows as a `kid` that the set lacks, and so does a forgery: hence the cooldown.
        if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAskForUnknownKey()) throw error;
        await refresh();
        return await lookUp(header, token);
      }
    },
    warm: refreshIfOld,
    state: () => ({
      loaded: ageMs() <= staleMs,
      ageMs: newest === null ? null : ageMs(),
    }),
  };
}

function isAnswerAboutKeys(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported;
}

/** One request for the set, bounded in time by `clock` and in size. Throws with a reason fit for the log. */
async function fetchKeys({ url, fetch, clock, timeoutMs, maxBytes }: {
  readonly url: URL;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}): Promise<LocalJWKSet> {
  using deadline = startDeadline({ clock, timeoutMs });
  // Keys are taken from the configured address only, and no redirect is followed: it could lead anywhere.
  const headers = { accept: "application/jwk-set+json, application/json" };
  const exchanged = await exchange({ method: "GET", url, headers, body: null }, {
    transport: overFetch(fetch),
    deadline,
    maxBodyBytes: maxBytes,
    onHead: ({ status }) => status === 200,
  });
  if (exchanged.kind === "failure") throw reasonOf(exchanged, { timeoutMs, maxBytes });
  return readKeySet(new TextDecoder("utf-8", { fatal: true }).decode(exchanged.body));
}

function reasonOf(
  { class: kind, begun, cause }: ExchangeFailure,
  { timeoutMs, maxBytes }: { readonly timeoutMs: number; readonly maxBytes: number },
): unknown {
  switch (kind) {
    case "timeout":
      return new Error(`expected an answer within ${timeoutMs} ms`);
    case "too-long":
      return new Error(`expected at most ${maxBytes} bytes`);
    case "unwanted":
      return new Error(`expected status 200, got ${begun?.status}`);
    default:
      return cause;
  }
}

function readKeySet(untrustedText: string): LocalJWKSet {
  const untrusted: unknown = JSON.parse(untrustedText);
  // An empty set would turn every agent away; keys that served until now are the better guess.
  if (!isKeySet(untrusted)) throw new Error('expected a JSON object with a non-empty "keys" array');
  return createLocalJWKSet(untrusted);
}

/** Whether a value has the outer shape of RFC 7517 §5 and at least one key; jose checks the members when they are used. */
export function isKeySet(untrusted: unknown): untrusted is JSONWebKeySet {
  return typeof untrusted === "object" && untrusted !== null && "keys" in untrusted &&
    Array.isArray(untrusted.keys) && untrusted.keys.length > 0 &&
    untrusted.keys.every((key) => typeof key === "object" && key !== null);
}
