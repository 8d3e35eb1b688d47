import { createHash } from "node:crypto";
import * as v from "valibot";
import { CannotUnseal, type Sealer } from "../sealing/secrets.ts";
import type { FollowUp, FollowUps } from "../store/follow_ups.ts";
import type { RecordStore } from "../store/port/records.ts";
import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import type { Doubt } from "./doubt.ts";
import type { Place } from "./place.ts";

/**
 * What is in doubt, in the store, so that it outlives the process and other instances know. A record is sealed as a whole: in
 * mode `forward` the agent's token is in it, without which nobody could look. It lapses with the doubt.
 */
export interface DoubtBook {
  /** Never rejects; what comes for one place is written in the order in which it came. */
  keep(doubt: Doubt): Promise<void>;
  /** Never rejects. */
  forget(place: Place, untilMs: number): Promise<void>;
  /** The doubt about this place; null: there is none, or this instance cannot open it. Throws `StoreUnavailable`. */
  read(place: Place): Promise<Doubt | null>;
  /** All of them. Throws `StoreUnavailable`. */
  all(): Promise<readonly Doubt[]>;
}

export interface DoubtBookDependencies {
  readonly records: Pick<RecordStore, "readRecord" | "writeRecord" | "listRecords">;
  readonly sealer: Sealer;
  readonly followUps: Pick<FollowUps, "perform">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
}

const PAGE = 200;

const EFFECTS = [
  "accept",
  "open-seat",
  "end",
  "hand-over",
  "leave",
  "reject",
  "join",
  "none",
] as const;

const doubtSchema = v.object({
  agentId: v.string(),
  sessionId: v.string(),
  operation: v.object({
    name: v.string(),
    effect: v.picklist(EFFECTS),
    nickname: v.nullable(v.string()),
  }),
  nicknames: v.array(v.string()),
  sentAtMs: v.number(),
  untilMs: v.number(),
  asker: v.object({
    authorization: v.nullable(v.string()),
    authorizationExpiresAtMs: v.nullable(v.number()),
  }),
  claim: v.nullable(
    v.object({
      token: v.string(),
      as: v.picklist(["holder", "participant"]),
      nickname: v.string(),
    }),
  ),
});

export function createDoubtBook(
  { records, sealer, followUps, clock, log }: DoubtBookDependencies,
): DoubtBook {
  /** The last write of each place that is not done yet. */
  const writing = new Map<string, Promise<void>>();

  function write(
    { sessionId, agentId }: Place,
    action: FollowUp["action"],
    untilMs: number,
    textOf: () => Promise<string | null>,
  ): Promise<void> {
    const key = keyOf({ sessionId, agentId });
    const before = writing.get(key) ?? Promise.resolve();
    const written = before.then(async () => {
      const text = await textOf();
      const run = async () => {
        const nowMs = clock.now();
        await records.writeRecord({ kind: "doubt", key, text, untilMs, nowMs });
      };
      await followUps.perform({ sessionId, action, giveUpAtMs: untilMs, run });
    }).finally(() => {
      if (writing.get(key) === written) writing.delete(key);
    });
    writing.set(key, written);
    return written;
  }

  async function opened(sealed: string): Promise<Doubt | null> {
    try {
      return v.parse(doubtSchema, JSON.parse(await sealer.open(sealed)));
    } catch (error) {
      const reason = error instanceof CannotUnseal ? error.reason : "other-version";
      log.warn("session.doubt_unreadable", { reason });
      return null;
    }
  }

  return {
    keep(doubt) {
      return write(doubt, "keep-doubt", doubt.untilMs, () => sealer.seal(JSON.stringify(doubt)));
    },
    forget: (place, untilMs) => write(place, "forget-doubt", untilMs, () => Promise.resolve(null)),
    async read(place) {
      const sealed = await records.readRecord({ kind: "doubt", key: keyOf(place) }, clock.now());
      return sealed === null ? null : await opened(sealed);
    },
    async all() {
      const found: (Doubt | null)[] = [];
      let cursor: string | undefined;
      do {
        const { items, nextCursor } = await records.listRecords({
          kind: "doubt",
          nowMs: clock.now(),
          limit: PAGE,
          ...(cursor === undefined ? {} : { cursor }),
        });
        for (const { text } of items) found.push(await opened(text));
        cursor = nextCursor ?? undefined;
      } while (cursor !== undefined);
      return found.filter((doubt) => doubt !== null);
    },
  };
}

/** An agent's id may be as long as a key itself. */
function keyOf({ sessionId, agentId }: Place): string {
  return createHash("sha256").update(JSON.stringify([sessionId, agentId])).digest("hex");
}
