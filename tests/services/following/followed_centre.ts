import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../../services/support/clock.ts";
import { createIds } from "../../../services/support/ids.ts";
import { composePublisher } from "../../../composition/publisher.ts";
import type { Publisher } from "../../../services/events/publisher.ts";
import { sessionAccepted, writeWithEvent } from "../../../services/sessions/events.ts";
import type { EventRecord } from "../../../services/store/port/events.ts";
import type { SessionRecord } from "../../../services/store/port/sessions.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import type { LeaseTimes } from "../../../services/following/assignment/lease.ts";
import { openUpstreamConnections } from "../../../services/contact_centre/rest/connections.ts";
import { createSubscriber, type Subscriber } from "../../../services/following/subscriber.ts";
import { createAgentLinks } from "../../../services/contact_centre/rest/agent_links.ts";
import { basicAuthorization } from "../../../services/contact_centre/rest/credentials.ts";
import { createUpstream } from "../../../services/contact_centre/rest/upstream.ts";
import {
  type ContactCentreOptions,
  startContactCentre,
} from "../../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";
import { createMemoryLog, type MemoryLog } from "../../support/memory_log.ts";

/** Deadlines for what happens at all, on a busy machine. */
export const PATIENCE = { timeoutMs: 20_000 } as const;

export const PASSWORD = "simulated";

/** CometD's times, short enough for a test. */
export const SHORT_TIMES = { timeoutMs: 1_000, maxIntervalMs: 5_000, sweepMs: 200 } as const;

/** A contact centre, a store, and the subscribers that connect them. */
export interface FollowedCentre {
  readonly centre: ContactCentre;
  readonly store: Store;
  readonly publisher: Publisher;
  readonly log: MemoryLog;
  /** A running subscriber; stopped with the rest. */
  subscriber(options?: SubscriberSettings): Promise<Subscriber>;
  /** A session that the agent has accepted, here and upstream. */
  accepted(agentId: string, sessionId: string): Promise<void>;
  mapping(sessionId: string): Promise<SessionRecord | null>;
  /** The events of a session, by sequence. */
  events(sessionId: string): Promise<readonly EventRecord[]>;
  /** The messages of a session as its events tell them, in order. */
  messages(sessionId: string): Promise<readonly { readonly index: number }[]>;
  /** Resolves once the agent's connection hears everything; `times` counts from the beginning. */
  live(agentId: string, times?: number): Promise<void>;
  /** Resolves once `done` holds; it is asked again whenever something was published or logged. */
  until(done: () => Promise<boolean> | boolean): Promise<void>;
}

export interface SubscriberSettings {
  /** Where upstream is; the contact centre itself unless told otherwise. */
  readonly url?: string;
  readonly mode?: "vault" | "forward" | "basic";
  readonly clock?: Clock;
  readonly store?: Store;
  readonly leaseTimes?: LeaseTimes;
  readonly idleMs?: number;
  readonly channels?: readonly string[];
  /** The passwords that are used upstream; {@link PASSWORD} unless told otherwise. */
  readonly passwordOf?: (agentId: string) => string;
  readonly random?: () => number;
  readonly log?: MemoryLog;
  readonly isStarted?: boolean;
}

export async function withFollowedCentre(
  test: (followed: FollowedCentre) => Promise<void>,
  options: ContactCentreOptions = {},
): Promise<void> {
  const policy = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy });
  const log = createMemoryLog();
  const ids = createIds();
  const waiting = new Set<() => void>();
  const wake = () => waiting.forEach((look) => look());
  const publisher = composePublisher({
    store,
    clock: systemClock,
    ids,
    log,
    smsEnabled: false,
    onPublished: () => {},
  });
  const watchedStore: Store = {
    ...store,
    async publish(request) {
      const outcome = await store.publish(request);
      queueMicrotask(wake);
      return outcome;
    },
    async applyEffect(...request) {
      const outcome = await store.applyEffect(...request);
      queueMicrotask(wake);
      return outcome;
    },
    async writeRecord(write) {
      const written = await store.writeRecord(write);
      queueMicrotask(wake);
      return written;
    },
  };
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => store.close());
  const centre = cleanup.use(
    await startContactCentre({
      cometd: SHORT_TIMES,
      ...options,
    }),
  );

  async function subscriber(settings: SubscriberSettings = {}): Promise<Subscriber> {
    const { mode = "vault", passwordOf = () => PASSWORD, clock = systemClock } = settings;
    const url = new URL(settings.url ?? centre.url);
    const links = createAgentLinks({ url, mode });
    const credentials = {
      authorizationFor: (agentId: string, clientAuthorization: string | null) =>
        Promise.resolve(
          mode === "forward"
            ? clientAuthorization
            : basicAuthorization(mode === "basic" ? "service" : agentId, passwordOf(agentId)),
        ),
    };
    const connections = openUpstreamConnections({ fetch });
    cleanup.defer(() => connections.close());
    const ownStore = settings.store ?? watchedStore;
    const made = await createSubscriber({
      upstreamUrl: url,
      mode,
      path: "/api/v2/notifications",
      channels: settings.channels ?? ["/v2/me/*"],
      upstream: createUpstream({
        url,
        auth: mode === "basic"
          ? { mode, username: "service", password: passwordOf("service") }
          : { mode },
        timeoutMs: 10_000,
        fetch: connections.fetch,
        clock,
        credentials,
        links,
      }),
      links,
      credentials,
      store: ownStore,
      publisher: composePublisher({
        store: ownStore,
        clock,
        ids,
        log,
        smsEnabled: false,
        onPublished: () => {},
      }),
      clock,
      random: settings.random ?? Math.random,
      ids,
      log: settings.log ?? log,
      fetch,
      ...(settings.leaseTimes === undefined ? {} : { leaseTimes: settings.leaseTimes }),
      ...(settings.idleMs === undefined ? {} : { idleMs: settings.idleMs }),
    });
    cleanup.defer(() => made.stop());
    if (settings.isStarted !== false) made.start();
    return made;
  }

  async function events(sessionId: string): Promise<readonly EventRecord[]> {
    const all: EventRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.listEvents({
        limit: 100,
        sessionId,
        ...(cursor === undefined ? {} : { cursor }),
      });
      all.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return all.toSorted((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
  }

  async function until(done: () => Promise<boolean> | boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = async () => {
      if (await done()) resolve();
    };
    const retry = setInterval(look, 50);
    const deadline = setTimeout(
      () => reject(new Error("Cannot wait any longer: it did not come true")),
      PATIENCE.timeoutMs,
    );
    waiting.add(look);
    await look();
    await promise.finally(() => {
      clearInterval(retry);
      clearTimeout(deadline);
      waiting.delete(look);
    });
  }

  await test({
    centre,
    store: watchedStore,
    publisher,
    log,
    subscriber,
    async accepted(agentId, sessionId) {
      const nickname = agentId;
      const outcome = centre.agentOperates(sessionId, agentId, {
        operationName: "Accept",
        nickname,
      });
      assert.equal(outcome.kind, "done");
      const nowMs = Date.now();
      const token = crypto.randomUUID();
      await store.claimSession({ sessionId, agentId, token, nowMs, untilMs: nowMs + 60_000 });
      const acceptedUpstreamMs = Math.floor(nowMs / 1_000) * 1_000;
      await writeWithEvent(
        publisher,
        sessionAccepted(sessionId, nickname),
        (draft, version) =>
          store.confirmSession(
            { sessionId, agentId, nickname, nowMs, acceptedUpstreamMs, as: "holder" },
            draft,
            version,
          ),
      );
    },
    mapping: (sessionId) => store.readSession(sessionId, { nowMs: Date.now(), slide: false }),
    events,
    async messages(sessionId) {
      const told = (await events(sessionId)).filter(({ type }) =>
        type === "session.messages_added"
      );
      return told.flatMap(({ dataJson }) => JSON.parse(dataJson).notification.messages);
    },
    live: (agentId, times = 1) =>
      until(() =>
        log.of("subscriber.live").filter(({ fields }) => fields["agentId"] === agentId).length >=
          times
      ),
    until,
  });
}
