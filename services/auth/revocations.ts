import { createHash } from "node:crypto";
import { StoreUnavailable } from "../errors.ts";
import { storeFailureReason } from "../store/failure_reason.ts";
import type { RevocationStore } from "../store/port/revocations.ts";
import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";

/** The tokens that were revoked, as this instance knows them. */
export interface Revocations {
  /**
   * Whether a token was revoked, by what was known 2 s ago at the latest. Costs a store command only where the list was
   * last read a second or more ago, so never while nobody comes.
   *
   * @throws StoreUnavailable when this instance has never had the list
   */
  isRevoked(tokenId: string): Promise<boolean>;
  /** @throws StoreUnavailable when it could not be written down, and nothing is revoked */
  revoke(tokenId: string, untilMs: number): Promise<void>;
}

/** What stands for a token in the list: of any `jti` the same length, and nothing of it can be read. */
export function tokenIdOf(jti: string): string {
  return createHash("sha256").update(jti).digest("base64url");
}

/** How old the list is when it is read again, beside the request that found it so. */
const FRESH_MS = 1_000;

/** How old it may be for a request that does not wait for the next reading. */
const KNOWN_MS = 2_000;

/** How long a request waits for it. With what the store takes besides, its outage is still answered within 2 s. */
const WAIT_MS = 250;

const PAGE = 1_000;

/**
 * The list of revoked tokens, held in memory and read on from where it ended last.
 *
 * While the store is away, what is known goes on counting: an instance at work then lacks what was revoked since its last
 * reading, which was at most two seconds before the outage, and nothing can be revoked during it. To refuse every agent
 * instead would end work that goes on without the store. An instance that has never read the list knows nothing that
 * could go on counting, so it lets nobody in.
 */
export function createRevocations(
  { store, clock, log }: {
    readonly store: RevocationStore;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Revocations {
  const untilMsOf = new Map<string, number>();
  let position = 0;
  let askedAtMs = -Infinity;
  let readAtMs = -Infinity;
  let underWay: Promise<void> | null = null;
  let isFailing = false;

  /** The time since a moment; a clock that was set back counts as long. */
  function ageOf(atMs: number): number {
    const ageMs = clock.now() - atMs;
    return ageMs < 0 ? Infinity : ageMs;
  }

  /** Reads on, or joins the reading that is under way. It never rejects. */
  function read(): Promise<void> {
    underWay ??= readOn().finally(() => underWay = null);
    return underWay;
  }

  async function readOn(): Promise<void> {
    const nowMs = askedAtMs = clock.now();
    try {
      for (let isEnd = false; !isEnd;) {
        const page = await store.listRevocations({ after: position, limit: PAGE, nowMs });
        for (const { tokenId, untilMs } of page.revocations) untilMsOf.set(tokenId, untilMs);
        if (page.revocations.length > 0) forgetLapsed(nowMs);
        ({ position, isEnd } = page);
      }
      readAtMs = nowMs;
      isFailing = false;
    } catch (error) {
      if (!isFailing) {
        log.warn("revocations.unread", {
          reason: storeFailureReason(error) ?? String(error),
          knownAgeMs: readAtMs === -Infinity ? null : clock.now() - readAtMs,
        });
      }
      isFailing = true;
    }
  }

  function forgetLapsed(nowMs: number): void {
    for (const [tokenId, untilMs] of untilMsOf) if (untilMs <= nowMs) untilMsOf.delete(tokenId);
  }

  async function readIfOld(): Promise<void> {
    if (ageOf(readAtMs) < FRESH_MS) return;
    // A store that is away is asked once a second, however many come.
    const mayAsk = underWay !== null || !isFailing || ageOf(askedAtMs) >= FRESH_MS;
    const reading = mayAsk ? read() : Promise.resolve();
    if (readAtMs === -Infinity) await reading;
    else if (!isFailing && ageOf(readAtMs) >= KNOWN_MS) await atMost(WAIT_MS, reading, clock);
  }

  return {
    async isRevoked(tokenId) {
      await readIfOld();
      if (readAtMs === -Infinity) {
        throw new StoreUnavailable("tell whether the token was revoked");
      }
      return untilMsOf.has(tokenId);
    },
    async revoke(tokenId, untilMs) {
      await store.revokeToken({ tokenId, untilMs, nowMs: clock.now() });
      untilMsOf.set(tokenId, Math.max(untilMs, untilMsOf.get(tokenId) ?? untilMs));
    },
  };
}

/** Resolves with the work, or when the time is up. */
async function atMost(ms: number, work: Promise<void>, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  try {
    await Promise.race([work, promise]);
  } finally {
    timer.cancel();
  }
}
