import type { Agent } from "../auth/token_verifier.ts";
import { NotFound } from "../errors.ts";
import type { Customer, SessionRecord } from "../store/port/sessions.ts";
import type { Store } from "../store/port/store.ts";
import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import { type OwnEventPublisher, sessionTakenBack, writeWithEvent } from "./events.ts";
import { listedAgentId, maySee, writesOnlyToVisible } from "./access.ts";

/** Which part of a list is wanted. */
type Page = Pick<Parameters<Store["listSessions"]>[0], "limit" | "cursor">;

/** What is kept of sessions, for those who manage them. An agent sees its own, with `sms:supervise` all of them. */
export interface ManagedSessions {
  /** Those of one agent, or, for `undefined`, all that may be seen. Throws `InsufficientScope` for another's. */
  list(
    agent: Agent,
    untrustedAgentId: string | undefined,
    page: Page,
  ): ReturnType<Store["listSessions"]>;
  /** Throws `NotFound`, also for a session that the agent may not see. */
  read(agent: Agent, sessionId: string): Promise<SessionRecord>;
  /** Names the customer's number. Throws `NotFound`. */
  setCustomer(agent: Agent, sessionId: string, customer: Customer): Promise<SessionRecord>;
  /**
   * Takes a session from whoever holds it, or is accepting it, and publishes who did so; for agents who supervise. An Accept
   * that upstream has yet to answer may map the session anew. Throws `NotFound`.
   */
  release(agent: Agent, sessionId: string): Promise<void>;
  /** Removes texts and phone numbers; resolves with the number of events that were rid of them. Throws `NotFound`. */
  expunge(agent: Agent, sessionId: string): Promise<number>;
}

export interface ManagedSessionsDependencies {
  readonly store: Pick<
    Store,
    "readSession" | "listSessions" | "setCustomer" | "expungeSession" | "applyEffect"
  >;
  readonly publisher: OwnEventPublisher;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The sessions of one store. */
export function createManagedSessions(
  { store, publisher, clock, log }: ManagedSessionsDependencies,
): ManagedSessions {
  async function read(agent: Agent, sessionId: string): Promise<SessionRecord> {
    const session = await store.readSession(sessionId, { nowMs: clock.now(), slide: false });
    return found(session !== null && maySee(agent, session) ? session : null);
  }

  async function requireWritable(agent: Agent, sessionId: string): Promise<void> {
    if (writesOnlyToVisible(agent)) await read(agent, sessionId);
  }

  return {
    // An async function, so that a refusal rejects.
    async list(agent, untrustedAgentId, page) {
      const agentId = listedAgentId(agent, untrustedAgentId);
      return await store.listSessions({
        ...page,
        ...(agentId === null ? {} : { agentId }),
        nowMs: clock.now(),
      });
    },
    read,
    async setCustomer(agent, sessionId, customer) {
      await requireWritable(agent, sessionId);
      return found(await store.setCustomer({ sessionId, customer, nowMs: clock.now() }));
    },
    async release(agent, sessionId) {
      const { outcome } = await writeWithEvent(
        publisher,
        sessionTakenBack(sessionId, agent.id),
        (draft, webhooksVersion) =>
          store.applyEffect(
            { sessionId, agentId: agent.id, nowMs: clock.now(), effect: { kind: "release" } },
            draft,
            webhooksVersion,
          ),
      );
      if (outcome === "nothing") {
        throw new NotFound("Cannot release this session: expected one that somebody has");
      }
      log.info("session.released", { sessionId, agentId: agent.id });
    },
    async expunge(agent, sessionId) {
      await requireWritable(agent, sessionId);
      const events = await store.expungeSession(sessionId);
      if (events === 0) {
        throw new NotFound("Cannot expunge this session: expected one of which something is kept");
      }
      log.info("session.expunged", { sessionId, events, agentId: agent.id });
      return events;
    },
  };
}

function found(session: SessionRecord | null): SessionRecord {
  // One answer for all: that somebody else has such a session is nobody's business.
  if (session === null) throw new NotFound("Cannot find this session among those that you may see");
  return session;
}
