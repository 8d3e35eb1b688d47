// The package is CommonJS and makes its exports in a function, so only the default import finds them.
import cometdServer, { type CometDServer, type ServerSession } from "cometd-nodejs-server";
import { createInbox } from "../kit/inbox.ts";
import type { Exchange } from "../kit/exchange.ts";
import { answerByNode, type BayeuxMessage } from "./cometd_exchange.ts";
import { followSessions } from "./cometd_sessions.ts";
import type { CometdHappening, CometdOptions, CometdView, ReplyChanges } from "./cometd_view.ts";
import type { Counters, Counts } from "./counts.ts";
import { createReplyPlans } from "./reply_plans.ts";

/** A message for clients. */
export interface Telling {
  /** Null: every session, whosever it is. */
  readonly agentId: string | null;
  /** Where; the channel of SMS sessions unless told otherwise. */
  readonly channel?: string | undefined;
  /** True: also to sessions that have not subscribed to the channel. */
  readonly unasked?: boolean | undefined;
  readonly data: unknown;
}

/** The CometD side of the contact centre. */
export interface Cometd extends CometdView {
  /** Answers a request of `agentId`; null, not authenticated, can do nothing but be denied a handshake. */
  answer(request: {
    readonly messages: readonly BayeuxMessage[];
    readonly agentId: string | null;
    /** For whom it is counted. */
    readonly claimedAgentId: string | null;
    readonly cookies: string | undefined;
    readonly exchange: Exchange;
    readonly clientGone: AbortSignal;
  }): Promise<Response>;
  /** Queues a message for sessions; whoever has none misses it. */
  tell(telling: Telling): void;
  /**
   * Forgets the sessions of an agent, or all, with what they had yet to be told. A held connect is answered at once, and
   * any further request too, with `402::session_unknown` and the advice to handshake. Tells how many there were.
   */
  drop(agentId?: string): number;
  /**
   * Ends the sessions of an agent, or all, as the server does by itself: a held connect is answered at once, with a
   * `/meta/disconnect` that nobody has asked for in front. `advice`: of that connect's reply. Tells how many there were.
   */
  end(agentId?: string, advice?: Readonly<Record<string, unknown>>): number;
  /** Forgets all sessions and leaves no timer behind. */
  close(): void;
}

const COUNTED: ReadonlyMap<unknown, keyof Counts> = new Map([
  ["/meta/handshake", "handshakes"],
  ["/meta/connect", "connects"],
  ["/meta/subscribe", "subscribes"],
  ["/meta/disconnect", "disconnects"],
]);

/** A CometD server without a socket of its own. Its times are real ones: the package knows no other clock. */
export function createCometd(
  {
    path = "/api/v2/notifications",
    channel: sessionsChannel = "/v2/me/smssessions",
    ...options
  }: CometdOptions,
  counters: Counters,
): Cometd {
  const server = createServer(options);
  const happenings = createInbox<CometdHappening>("happening on CometD");
  const callers = new WeakMap<object, string>();
  const live = followSessions(server, (handshake) => callers.get(handshake), happenings);
  /** Sessions that are over, and what the replies to them say. */
  const over = new WeakMap<ServerSession, ReplyChanges>();
  const plans = createReplyPlans();

  server.policy = {
    canHandshake(session, message, callback) {
      const known = callers.has(message);
      if (!known) happenings.add({ kind: "refused", agentId: null, clientId: session.id });
      callback(undefined, known);
    },
    canPublish: (_session, _message, _channel, callback) => callback(undefined, false),
  };
  server.addExtension({
    outgoing(_server, _sender, session: ServerSession | null, message, callback) {
      const last = session === null ? undefined : over.get(session);
      const changes = last ?? plans.take(message.channel, live.ownerOf(session?.id));
      Object.assign(message, changes);
      callback(undefined, true);
    },
  });

  function drop(agentId?: string): number {
    const sessions = live.of(agentId);
    for (const { session } of sessions) {
      over.set(session, SESSION_UNKNOWN);
      // disconnect() queues a farewell, which lets go of a held connect; like all that was queued it is not sent.
      session.addListener("queueDrain", (_session: ServerSession, queue: unknown[]) => {
        queue.length = 0;
      });
      session.disconnect();
    }
    return sessions.length;
  }

  function end(agentId?: string, advice?: Readonly<Record<string, unknown>>): number {
    const sessions = live.of(agentId);
    for (const { session } of sessions) {
      session.disconnect();
      if (advice !== undefined) over.set(session, { advice });
    }
    return sessions.length;
  }

  return {
    path,
    happenings,
    get sessions() {
      return live.of().map(({ session, agentId }) => ({
        clientId: session.id,
        agentId,
        subscriptions: session.subscriptions.map(({ name }) => name),
      }));
    },
    changeReply: plans.add,
    answer({ messages, agentId, claimedAgentId, ...request }) {
      const own = messages.map((message) => {
        const counted = COUNTED.get(message["channel"]);
        if (counted !== undefined) counters.add(claimedAgentId, counted);
        const owner = live.ownerOf(message["clientId"]) ?? agentId;
        // Another agent's session is none of this one's, cookie or not.
        const judged = owner === agentId ? message : { ...message, clientId: "" };
        if (agentId !== null) callers.set(judged, agentId);
        return judged;
      });
      return answerByNode(server.handle, { messages: own, ...request });
    },
    tell({ agentId, channel = sessionsChannel, unasked = false, data }) {
      const names = new Set([channel, ...server.createServerChannel(channel).wildNames]);
      for (const { session } of live.of(agentId)) {
        if (unasked || session.subscriptions.some(({ name }) => names.has(name))) {
          session.deliver(null, channel, data);
        }
      }
    },
    drop,
    end,
    close() {
      drop();
      server.close();
      happenings.close();
    },
  };
}

const SESSION_UNKNOWN = {
  successful: false,
  error: "402::session_unknown",
  advice: { reconnect: "handshake", interval: 0 },
};

function createServer(
  {
    timeoutMs = 30_000,
    intervalMs = 0,
    maxIntervalMs = 10_000,
    sweepMs = 997,
    maxSessionsPerBrowser = 1,
    multiSessionIntervalMs = 2_000,
  }: CometdOptions,
): CometDServer {
  return cometdServer.createCometDServer({
    timeout: timeoutMs,
    interval: intervalMs,
    maxInterval: maxIntervalMs,
    sweepPeriod: sweepMs,
    maxSessionsPerBrowser,
    multiSessionInterval: multiSessionIntervalMs,
  });
}
