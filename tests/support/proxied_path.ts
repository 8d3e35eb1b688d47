import { UNNOTICED } from "../../services/sessions/work_signals.ts";
import assert from "node:assert/strict";
import { createIds } from "../../services/support/ids.ts";
import { readOperation } from "../../services/contact_centre/dialect/operations.ts";
import { composePublisher } from "../../composition/publisher.ts";
import type { OperationCall } from "../../services/sessions/session_call.ts";
import { createSealer } from "../../services/sealing/secrets.ts";
import { createSessionService, type SessionService } from "../../services/sessions/sessions.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { createAgentGet } from "../../services/contact_centre/rest/agent_get.ts";
import { createSessionLook } from "../../services/contact_centre/rest/session_look.ts";
import { createUpstream } from "../../services/contact_centre/rest/upstream.ts";
import { createMemoryLog, type MemoryLog } from "./memory_log.ts";
import { type ScriptedUpstream, type SeenRequest, startUpstream } from "./scripted_upstream.ts";
import { aRequest } from "./upstream_request.ts";
import { createVirtualClock, type VirtualClock } from "./virtual_clock.ts";
import { type WatchedStore, watchStore } from "./watched_store.ts";

export const SESSION = "session-1";
export const UPSTREAM_TIMEOUT_MS = 10_000;

/** What upstream says; `hang` is no answer until Patchbay hangs up. */
export type Saying = Response | "hang";

/** The services of the proxied path over a real store in memory and an upstream on loopback. */
export interface ProxiedPath {
  readonly clock: VirtualClock;
  readonly log: MemoryLog;
  readonly watched: WatchedStore;
  readonly upstream: ScriptedUpstream;
  readonly sessions: SessionService;
  /** A further instance over the same store. */
  anotherInstance(): SessionService;
  /** How many deliveries were announced, per publish. */
  readonly announced: readonly number[];
  /** What upstream says from now on; statusCode 0 at first. */
  say(saying: () => Saying | Promise<Saying>): void;
  call(agentId: string, json: Record<string, unknown>): OperationCall;
  /** Type and own data of the session's events, oldest first. */
  events(): Promise<readonly (readonly [string, unknown])[]>;
  /** Who is mapped, as `holder, participant…`; null: nobody. */
  agents(): Promise<string | null>;
}

export interface ProxiedPathOptions {
  /** Where upstream is taken to be, when not where it is. */
  readonly upstreamUrl?: URL;
  /** All agents go upstream as one user, as in mode `basic`. */
  readonly isShared?: boolean;
}

/** Lets what is under way at these instances come to its end: it waits on the clock and on nothing else. */
async function settle(instances: readonly SessionService[], clock: VirtualClock): Promise<void> {
  let done = false;
  const settled = Promise.all(instances.map((each) => each.settled())).then(() => done = true);
  while (!done) {
    await Promise.race([settled, clock.whenArmed()]);
    clock.advance(clock.nextDueInMs() ?? 0);
  }
}

export function json(statusCode: number, init?: ResponseInit): Response {
  return Response.json({ statusCode }, init);
}

export async function withProxiedPath(
  test: (path: ProxiedPath) => Promise<void>,
  { upstreamUrl, isShared = false }: ProxiedPathOptions = {},
): Promise<void> {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const policy = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };
  const watched = watchStore(openSqliteStore({ path: ":memory:", sync: "normal", policy }));
  const { store } = watched;
  const announced: number[] = [];
  let saying: () => Saying | Promise<Saying> = () => json(0);

  const upstream = startUpstream(async ({ signal }: SeenRequest) => {
    const said = await saying();
    if (said !== "hang") return said;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return json(0);
  });
  const ids = createIds();
  const client = createUpstream({
    url: upstreamUrl ?? upstream.url,
    auth: { mode: "forward" },
    timeoutMs: UPSTREAM_TIMEOUT_MS,
    fetch,
    clock,
  });
  const instances: SessionService[] = [];
  const instance = () => {
    const service = createSessionService({
      store,
      sealer: createSealer(new Uint8Array(32)),
      upstream: client,
      look: createSessionLook({ ask: createAgentGet({ upstream: client, ids }), isShared }),
      isShared,
      needsToken: true,
      publisher: composePublisher({
        store,
        clock,
        ids,
        log,
        smsEnabled: false,
        onPublished: (deliveries) => announced.push(deliveries),
      }),
      clock,
      ids,
      log,
      upstreamTimeoutMs: UPSTREAM_TIMEOUT_MS,
      workSignals: UNNOTICED,
    });
    instances.push(service);
    return service;
  };

  try {
    await test({
      clock,
      log,
      watched,
      upstream,
      sessions: instance(),
      anotherInstance: instance,
      announced,
      say: (next) => saying = next,
      call(agentId, members) {
        const operation = readOperation(members);
        assert.ok(operation.ok);
        const request = aRequest({ text: JSON.stringify(members) });
        return { agentId, sessionId: SESSION, operation, request };
      },
      async events() {
        const { items } = await store.listEvents({ limit: 100, sessionId: SESSION });
        return items
          .toSorted((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0))
          .map(({ type, dataJson }) => [type, JSON.parse(dataJson)] as const);
      },
      async agents() {
        const { items } = await store.listSessions({ limit: 10, nowMs: clock.now() });
        const [session] = items;
        if (session === undefined) return null;
        return [session.agentId, ...session.participants.map(({ agentId }) => agentId)].join(", ");
      },
    });
  } finally {
    watched.recover();
    await settle(instances, clock);
    await upstream.close();
    await store.close();
  }
}
