import type { FollowUps } from "../store/follow_ups.ts";
import type { SessionStore } from "../store/port/sessions.ts";
import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import type { MappingChange } from "./effects.ts";
import {
  type OwnEventPublisher,
  participantAdded,
  sessionAccepted,
  writeWithEvent,
} from "./events.ts";
import type { OwnershipMemory } from "./ownership_memory.ts";
import type { Place } from "./place.ts";

/** A claim of the store that upstream has made good. */
export interface AgreedClaim extends Place {
  readonly nickname: string;
  readonly as: "holder" | "participant";
  /** The Accept by upstream's clock (Unix milliseconds). */
  readonly acceptedUpstreamMs: number;
  readonly untilMs: number;
}

/** A claim that is to be given back. */
export interface OwnClaim {
  readonly sessionId: string;
  readonly token: string;
  readonly untilMs: number;
  /** No other Accept of the agent was done either. */
  readonly forAll?: boolean;
}

/**
 * Writes what upstream has done. Nothing here throws for a store that is away: upstream has acted, so the write is tried
 * again in the background (`follow_ups.ts`).
 */
export interface MappingWriter {
  /** The agent is in the session. */
  confirm(claim: AgreedClaim): Promise<void>;
  /** Whether it is, is in doubt. */
  doubt(claim: OwnClaim): Promise<void>;
  /** The agent is not. */
  release(claim: OwnClaim): Promise<void>;
  /** An operation of the agent was done, or may have been. */
  apply(place: Place, change: MappingChange | null): Promise<void>;
}

export interface MappingWriterOptions {
  readonly store: Pick<
    SessionStore,
    "confirmSession" | "doubtClaim" | "releaseClaim" | "applyEffect"
  >;
  readonly publisher: OwnEventPublisher;
  readonly ownership: OwnershipMemory;
  readonly followUps: Pick<FollowUps, "perform">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long the effect of a success is tried to be written when the store fails. */
const EFFECT_PATIENCE_MS = 60_000;

/** A write without an event is addressed to no webhook, so the version of their list does not matter. */
const NO_WEBHOOKS_VERSION = 0;

export function createMappingWriter(
  { store, publisher, ownership, followUps, clock, log }: MappingWriterOptions,
): MappingWriter {
  async function confirmAs(
    as: "holder" | "participant",
    { agentId, sessionId, nickname, acceptedUpstreamMs }: AgreedClaim,
    nowMs: number,
  ) {
    const { outcome } = await writeWithEvent(
      publisher,
      as === "holder"
        ? sessionAccepted(sessionId, nickname)
        : participantAdded(sessionId, { agentId, nickname }),
      (draft, webhooksVersion) =>
        store.confirmSession(
          { sessionId, agentId, nickname, nowMs, acceptedUpstreamMs, as },
          draft,
          webhooksVersion,
        ),
    );
    return outcome;
  }

  return {
    confirm(claim) {
      const { agentId, sessionId, untilMs } = claim;
      async function run(tries: number) {
        const nowMs = clock.now();
        let outcome = await confirmAs(claim.as, claim, nowMs);
        // Whoever held the session may have gone while upstream let this agent in, who is then alone with it.
        if (outcome === "lost" && claim.as === "participant") {
          outcome = await confirmAs("holder", claim, nowMs);
        }
        if (outcome === "lost") {
          ownership.forget(sessionId);
          log.warn("session.claim_lost", { sessionId, agentId });
          return;
        }
        ownership.remember(sessionId, [agentId], nowMs);
        // The try that failed may be the one that wrote the event.
        if (outcome === "already" && tries > 1) publisher.published(1);
      }
      return followUps.perform({ sessionId, action: "confirm", giveUpAtMs: untilMs, run });
    },

    doubt({ sessionId, token, untilMs }) {
      return followUps.perform({
        sessionId,
        action: "doubt",
        giveUpAtMs: untilMs,
        run: () => store.doubtClaim({ sessionId, token, nowMs: clock.now() }),
      });
    },

    release({ sessionId, token, untilMs, forAll = false }) {
      return followUps.perform({
        sessionId,
        action: "release",
        giveUpAtMs: untilMs,
        run: () => store.releaseClaim(sessionId, token, { forAll }),
      });
    },

    async apply({ agentId, sessionId }, change) {
      if (change === null) return;
      const { effect, event } = change;

      async function run(tries: number) {
        const request = { sessionId, agentId, nowMs: clock.now(), effect };
        if (event === null) await store.applyEffect(request, null, NO_WEBHOOKS_VERSION);
        else {
          const { outcome } = await writeWithEvent(
            publisher,
            event,
            (draft, webhooksVersion) => store.applyEffect(request, draft, webhooksVersion),
          );
          // The try that failed may be the one that wrote the event.
          if (outcome === "nothing" && tries > 1) publisher.published(1);
        }
        ownership.forget(sessionId);
      }
      ownership.forget(sessionId);
      const giveUpAtMs = clock.now() + EFFECT_PATIENCE_MS;
      await followUps.perform({ sessionId, action: "effect", giveUpAtMs, run });
    },
  };
}
