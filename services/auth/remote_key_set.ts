import { createLocalJWKSet, errors, type LocalJWKSet } from "jose";
import type { Clock } from "../support/clock.ts";
import { KeysUnavailable } from "../errors.ts";
import { startDeadline } from "../http/deadline.ts";
import type { Logger } from "../support/log.ts";
import type { KeySet } from "./key_set.ts";
import type { KeySource } from "./key_source.ts";
import { describeSkipped, judgeKeys, type SkippedKey } from "./verification_key.ts";

export interface RemoteKeySetOptions {
  /** How the log names it. */
  readonly issuer: string;
  readonly source: KeySource;
  /** The algorithms by which a token may be signed; a key for others is skipped. */
  readonly algorithms: readonly string[];
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

/** All that is asked for one set, bodies included. */
const TIMEOUT_MS = 5_000;

/** A set, as far as it can verify tokens. */
interface ServingSet {
  readonly keys: LocalJWKSet;
  readonly count: number;
  readonly askedAtMs: number;
}

/**
 * The key set of an issuer, fetched when a token needs it.
 *
 * Built on jose's `createLocalJWKSet`, not on its `createRemoteJWKSet`: that one reads `Date.now()` itself, so that
 * an injected clock could not govern freshness; it asks a dead endpoint once per token, drops good keys when they merely
 * age, and reads answers of any size. Here the wrapper decides when to fetch and what may still serve; jose does what needs
 * cryptographic care, choosing and importing the key.
 */
export function createRemoteKeySet(
  { issuer, source, algorithms, clock, log }: RemoteKeySetOptions,
): KeySet {
  let newest: ServingSet | null = null;
  let underWay: Promise<boolean> | null = null;
  let lastAskedAtMs = -Infinity;
  let failures = 0;
  let backingOffUntilMs = -Infinity;
  let warnedOf = "";

  const ageMs = () => newest === null ? Infinity : clock.now() - newest.askedAtMs;
  const isBackingOff = () => clock.now() < backingOffUntilMs;

  /** Fetches, or joins the fetch that is under way; tells whether there is a new set. A failure shows in the state. */
  function refresh(): Promise<boolean> {
    underWay ??= fetchOnce().finally(() => underWay = null);
    return underWay;
  }

  async function fetchOnce(): Promise<boolean> {
    const askedAtMs = lastAskedAtMs = clock.now();
    using deadline = startDeadline({ clock, timeoutMs: TIMEOUT_MS });
    try {
      const { keys } = await source(deadline);
      newest = { ...readKeys(keys), askedAtMs };
      failures = 0;
      log.info("key_set.fetched", { issuer, keys: newest.count });
      return true;
    } catch (error) {
      const waitMs = Math.min(MAX_BACKOFF_MS, COOLDOWN_MS * 2 ** failures);
      failures += 1;
      backingOffUntilMs = clock.now() + waitMs;
      log.warn("key_set.fetch_failed", {
        issuer,
        reason: deadline.ended === "timeout"
          ? `expected an answer within ${TIMEOUT_MS} ms`
          : error instanceof Error
          ? error.message
          : String(error),
        failures,
        retryInMs: waitMs,
        servedAgeMs: newest === null ? null : ageMs(),
      });
      return false;
    }
  }

  /** The keys of a set as RFC 7517 §5 has it, as many as are of use. */
  function readKeys(untrustedKeys: unknown): Pick<ServingSet, "keys" | "count"> {
    if (!Array.isArray(untrustedKeys) || untrustedKeys.length === 0) {
      throw new Error('expected a non-empty "keys" array');
    }
    const { usable, skipped } = judgeKeys(untrustedKeys, algorithms);
    warnOf(skipped);
    // Such a set would turn every agent away, so the keys that served until now go on serving.
    if (usable.length === 0 && newest !== null && newest.count > 0) {
      throw new Error('expected a usable key among "keys"');
    }
    return { keys: createLocalJWKSet({ keys: [...usable] }), count: usable.length };
  }

  /** Says it once, not with each fetch of a set whose unusable keys stay the same. */
  function warnOf(skipped: readonly SkippedKey[]): void {
    const description = describeSkipped(skipped);
    if (description !== "" && description !== warnedOf) {
      log.warn("key_set.unusable_keys", { issuer, skipped: description });
    }
    warnedOf = description;
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

  const mayAskAnew = () =>
    underWay !== null || (!isBackingOff() && clock.now() - lastAskedAtMs >= COOLDOWN_MS);

  return {
    async keyFor(header, token) {
      await refreshIfOld();
      try {
        return await servingKeys()(header, token);
      } catch (error) {
        // A key that the set lacks may be a new one of the issuer's or a forged one, so the set is not fetched each time.
        if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAskAnew()) throw error;
        await refresh();
        return await servingKeys()(header, token);
      }
    },
    renew: async () => mayAskAnew() && await refresh(),
    warm: async () => await refreshIfOld(),
    state: () => ({
      loaded: newest !== null && newest.count > 0 && ageMs() <= STALE_MS,
      ageMs: newest === null ? null : ageMs(),
    }),
  };
}
