import type { EventDraft } from "../port/events.ts";
import { page } from "../port/paging.ts";
import type {
  ClaimOutcome,
  ConfirmOutcome,
  EffectOutcome,
  SessionRecord,
  SessionStore,
} from "../port/sessions.ts";
import { draftRequest } from "./drafts.ts";
import { list, publishedEvent, type Reply, sessionRecord, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** Sessions in Redis; every method is one script, so one round trip. */
export function createRedisSessions(shards: Shards): Omit<SessionStore, "findCustomerSession"> {
  const shardOf = ({ sessionId }: { readonly sessionId: string }) => shards.of(sessionId);
  return {
    async claimSession(request) {
      const reply = await shards.run(
        "claim the session",
        SCRIPTS.claimSession,
        shardOf(request),
        request,
      );
      return claimOutcome(text(reply));
    },
    async confirmSession(request, draft, webhooksVersion) {
      const reply = await shards.run(
        "confirm the session",
        SCRIPTS.confirmSession,
        shardOf(request),
        { ...request, draft: draftRequest(draft), webhooksVersion },
      );
      return confirmOutcome(draft, list(reply));
    },
    async releaseClaim(sessionId, token, { forAll = false } = {}) {
      await shards.run("release the claim", SCRIPTS.releaseClaim, shards.of(sessionId), {
        sessionId,
        token,
        forAll,
      });
    },
    async doubtClaim(request) {
      await shards.run("doubt the claim", SCRIPTS.doubtClaim, shardOf(request), request);
    },
    async applyEffect(request, draft, webhooksVersion) {
      const reply = await shards.run(
        "update the session",
        SCRIPTS.applyEffect,
        shardOf(request),
        draft === null ? request : { ...request, draft: draftRequest(draft), webhooksVersion },
      );
      return effectOutcome(draft, list(reply));
    },
    async readSession(sessionId, options) {
      const reply = await shards.run(
        "read the session",
        SCRIPTS.readSession,
        shards.of(sessionId),
        { sessionId, ...options },
      );
      return sessionOrNull(reply);
    },
    async claimantOf(sessionId, nowMs) {
      const reply = await shards.run(
        "read the claims",
        SCRIPTS.claimantOf,
        shards.of(sessionId),
        { sessionId, nowMs },
      );
      return typeof reply === "string" ? reply : null;
    },
    async sessionsOf({ sessionIds, ...request }) {
      const groups = Map.groupBy(new Set(sessionIds), (id) => shards.of(id));
      const replies = await Promise.all(
        [...groups].map(([shard, ids]) =>
          shards.run(
            "find an agent's sessions",
            SCRIPTS.sessionsOf,
            shard,
            { ...request, sessionIds: ids },
          )
        ),
      );
      return replies.flatMap((reply) => list(reply).map(text));
    },
    async listSessions({ limit, cursor = "", nowMs, agentId }) {
      const request = { nowMs, cursor, limit: limit + 1, agentId };
      const replies = await Promise.all(
        Array.from(
          { length: shards.count },
          (_, shard) => shards.run("list the sessions", SCRIPTS.listSessions, shard, request),
        ),
      );
      const sessions = replies.flatMap((reply) =>
        list(reply).map((row) => sessionRecord(list(row)))
      );
      return page(sessions.sort((a, b) => (a.id < b.id ? -1 : 1)), limit);
    },
    async setCustomer({ sessionId, customer, nowMs }) {
      const reply = await shards.run(
        "set the customer",
        SCRIPTS.setCustomer,
        shards.of(sessionId),
        { sessionId, nowMs, ...customer },
      );
      return sessionOrNull(reply);
    },
    async firstUnseenMessage(sessionIds) {
      const found = new Map<string, number>();
      const groups = Map.groupBy(new Set(sessionIds), (id) => shards.of(id));
      await Promise.all(
        [...groups].map(async ([shard, ids]) => {
          const request = { sessionIds: ids };
          const reply = await shards.run(
            "find the first unseen messages",
            SCRIPTS.firstUnseen,
            shard,
            request,
          );
          list(reply).forEach((index, at) => found.set(ids[at] ?? "", Number(index)));
        }),
      );
      return sessionIds.map((id) => found.get(id) ?? 1);
    },
  };
}

function sessionOrNull(reply: unknown): SessionRecord | null {
  return Array.isArray(reply) ? sessionRecord(reply) : null;
}

function claimOutcome(reply: string): ClaimOutcome {
  const [word, again] = reply.split(" ");
  switch (word) {
    case "holder":
    case "participant":
      return { outcome: "claimed", as: word, ...(again !== undefined && { isRetry: true }) };
    case "own":
      return { outcome: "own" };
    default:
      return { outcome: "held" };
  }
}

function confirmOutcome(draft: EventDraft, [word, ...published]: Reply): ConfirmOutcome {
  switch (word) {
    case "confirmed":
      return { outcome: "confirmed", published: publishedEvent(draft.id, published) };
    case "already":
      return { outcome: "already" };
    case "stale":
      return { outcome: "stale-webhooks" };
    default:
      return { outcome: "lost" };
  }
}

function effectOutcome(draft: EventDraft | null, [word, ...published]: Reply): EffectOutcome {
  switch (word) {
    case "applied":
      return {
        outcome: "applied",
        published: draft === null || published.length === 0
          ? null
          : publishedEvent(draft.id, published),
      };
    case "stale":
      return { outcome: "stale-webhooks" };
    default:
      return { outcome: "nothing" };
  }
}
