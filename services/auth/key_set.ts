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
   * @throws jose's `JWKSNoMatchingKey` when no key of the set fits, `JWKSMultipleMatchingKeys` when several do: that is the
   * token's fault. Throws {@link KeysUnavailable} when there is no set to look in, which is not.
   */
  readonly keyFor: JWTVerifyGetKey;
  /** Gets the keys ahead of the first token. It never throws: a failure is logged, and the next token makes it try again. */
  warm(): Promise<void>;
  state(): KeySetState;
}

/** What the check of readiness asks. */
export interface KeySetState {
  /** Whether a token can be verified now. */
  readonly loaded: boolean;
  /** The age of the newest set in milliseconds; null while there has been none. */
  readonly ageMs: number | null;
}

export interface RemoteKeySetOptions {
  readonly url: URL;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long a set serves without being asked for again. */
const FRESH_MS = 10 * 60_000;

/** How long after its fetch a set serves while the issuer does not answer. */
const STALE_MS = 24 * 60 * 60_000;

/** The least time between two requests that unknown `kid`s cause, and the first wait after a failure. */
const COOLDOWN_MS = 30_000;

/** The longest wait after a failure. */
const MAX_BACKOFF_MS = 120_000;

/** One request, body included. */
const TIMEOUT_MS = 5_000;

const MAX_BYTES = 256 * 1024;

/**
 * The key set at an address, fetched when a token needs it.
 *
 * Built on jose's `createLocalJWKSet`, not on its `createRemoteJWKSet`: that one reads `Date.now()` itself, so that
 * an injected clock could not govern freshness; it asks a dead endpoint once per token, drops good keys when they merely
 * age, and reads answers of any size. Here the wrapper decides when to fetch and what may still serve; jose does what needs
 * cryptographic care, choosing and importing the key.
 */
export function createRemoteKeySet(
  { url, fetch, clock, log }: RemoteKeySetOptions,
): KeySet {
  let newest: { readonly keys: LocalJWKSet; readonly askedAtMs: number } | null = null;
  let underWay: Promise<void> | null = null;
  let lastAskedAtMs = -Infinity;
  let failures = 0;
  let backingOffUntilMs = -Infinity;

  const ageMs = () => newest === null ? Infinity : clock.now() - newest.askedAtMs;
  const isBackingOff = () => clock.now() < backingOffUntilMs;

  /** Fetches, or joins the fetch that is under way. It never rejects: a failure shows in the state. */
  function refresh(): Promise<void> {
    underWay ??= fetchOnce().finally(() => underWay = null);
    return underWay;
  }

  async function fetchOnce(): Promise<void> {
    const askedAtMs = lastAskedAtMs = clock.now();
    try {
      newest = { keys: await fetchKeys({ url, fetch, clock }), askedAtMs };
      failures = 0;
      log.info("key_set.fetched", { keys: newest.keys.jwks().keys.length });
    } catch (error) {
      const waitMs = Math.min(MAX_BACKOFF_MS, COOLDOWN_MS * 2 ** failures);
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
    if (ageMs() < FRESH_MS || isBackingOff()) return;
    const refreshed = refresh();
    // An endpoint that failed last time is tried again in the background, so that an outage which swallows requests
    // costs the agents one wait of `TIMEOUT_MS`, not one per attempt.
    if (failures > 0 && ageMs() <= STALE_MS) return;
    await refreshed;
  }

  function servingKeys(): LocalJWKSet {
    if (newest !== null && ageMs() <= STALE_MS) return newest.keys;
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
      // The issuer publishes a key that cannot be used, so its tokens count as signed by no known key.
      log.warn("key_set.unusable_key", { kid: header?.kid, reason: String(error) });
      throw new errors.JWKSNoMatchingKey(undefined, { cause: error });
    }
  }

  const mayAskForUnknownKey = () =>
    underWay !== null || (!isBackingOff() && clock.now() - lastAskedAtMs >= COOLDOWN_MS);

  return {
    async keyFor(header, token) {
      await refreshIfOld();
      try {
        return await lookUp(header, token);
      } catch (error) {
        // A key that the set lacks may be a new one of the issuer's or a forged one, so the set is not fetched each time.
        if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAskForUnknownKey()) throw error;
        await refresh();
        return await lookUp(header, token);
      }
    },
    warm: refreshIfOld,
    state: () => ({
      loaded: ageMs() <= STALE_MS,
      ageMs: newest === null ? null : ageMs(),
    }),
  };
}

function isAnswerAboutKeys(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported;
}

/** One request for the set, bounded in time by `clock` and in size. Its errors have a reason fit for the log. */
async function fetchKeys(
  { url, fetch, clock }: Omit<RemoteKeySetOptions, "log">,
): Promise<LocalJWKSet> {
  using deadline = startDeadline({ clock, timeoutMs: TIMEOUT_MS });
  // A redirect could lead anywhere, and keys come from the configured address only, so none is followed.
  const headers = { accept: "application/jwk-set+json, application/json" };
  const exchanged = await exchange({ method: "GET", url, headers, body: null }, {
    transport: overFetch(fetch),
    deadline,
    maxBodyBytes: MAX_BYTES,
    onHead: ({ status }) => status === 200,
  });
  if (exchanged.kind === "failure") throw reasonOf(exchanged);
  return readKeySet(new TextDecoder("utf-8", { fatal: true }).decode(exchanged.body));
}

function reasonOf({ class: kind, begun, cause }: ExchangeFailure): unknown {
  switch (kind) {
    case "timeout":
      return new Error(`expected an answer within ${TIMEOUT_MS} ms`);
    case "too-long":
      return new Error(`expected at most ${MAX_BYTES} bytes`);
    case "unwanted":
      return new Error(`expected status 200, got ${begun?.status}`);
    default:
      return cause;
  }
}

function readKeySet(untrustedText: string): LocalJWKSet {
  const untrusted: unknown = JSON.parse(untrustedText);
  // An empty set would turn every agent away, so the keys that served until now go on serving.
  if (!isKeySet(untrusted)) throw new Error('expected a JSON object with a non-empty "keys" array');
  return createLocalJWKSet(untrusted);
}

/** Whether a value has the outer shape of RFC 7517 §5 and at least one key; jose checks the members when they are used. */
export function isKeySet(untrusted: unknown): untrusted is JSONWebKeySet {
  return typeof untrusted === "object" && untrusted !== null && "keys" in untrusted &&
    Array.isArray(untrusted.keys) && untrusted.keys.length > 0 &&
    untrusted.keys.every((key) => typeof key === "object" && key !== null);
}
