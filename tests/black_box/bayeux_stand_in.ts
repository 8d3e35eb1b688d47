/**
 * A CometD server as small as the protocol allows, for long polling alone.
 * By hand: https://docs.cometd.org/current/reference/#_bayeux
 */
import { createInbox, type Inbox } from "../../simulator/kit/inbox.ts";
import type { Exchange } from "../support/stand_in.ts";

type Message = Readonly<Record<string, unknown>>;

/** One message of a client on a meta channel. */
export interface MetaMessage {
  readonly user: string;
  /** Without `/meta/`. */
  readonly channel: string;
  readonly clientId: string | null;
  readonly message: Message;
}

export interface Bayeux {
  readonly asked: Inbox<MetaMessage>;
  /** Answers one request of this user. */
  answer(user: string, text: string, exchange: Pick<Exchange, "over">): Promise<Response>;
  /** Tells all of this user's sessions that have subscribed to `/v2/me/*`; who is not there misses it. */
  publish(user: string, data: Message): void;
  /** Forgets this user's sessions, and what they had yet to be told; their next connect is a 402. */
  drop(user: string): void;
  /** The next connect of this user is answered so. */
  breakNextConnect(user: string, answer: () => Response): void;
  /** How many sessions of this user there are now. */
  sessions(user: string): number;
  /** The `count`th message on this meta channel by this user, come or still to come, counted from 1. */
  heard(user: string, channel: string, count?: number, timeoutMs?: number): Promise<MetaMessage>;
  /** Lets go of whoever waits. */
  close(): void;
}

interface ClientSession {
  readonly user: string;
  readonly subscriptions: Set<string>;
  readonly queue: Message[];
  connects: number;
  wake: () => void;
}

const HELD_MS = 20_000;
/** What it tells of that, whatever the clock by which it is read. */
const RETRY = { reconnect: "retry", interval: 0, timeout: HELD_MS };
const SMS_CHANNEL = "/v2/me/smssessions";

/** Its clients are so many times as fast as real time, and so is it in what it holds. */
export function createBayeux({ hurry = 1 }: { readonly hurry?: number } = {}): Bayeux {
  const sessions = new Map<string, ClientSession>();
  const broken = new Map<string, () => Response>();
  const asked = createInbox<MetaMessage>("meta message", {
    describe: ({ user, channel }) => `${user}: ${channel}`,
  });
  let closed = false;

  async function reply(
    user: string,
    message: Message,
    over: Promise<void>,
  ): Promise<readonly Message[]> {
    const channel = String(message.channel);
    const clientId = typeof message.clientId === "string" ? message.clientId : null;
    const session = clientId === null ? undefined : sessions.get(clientId);
    asked.add({ user, channel: channel.replace("/meta/", ""), clientId, message });
    const base = { id: message.id, channel };
    if (channel === "/meta/handshake") return [{ ...base, ...handshake(user) }];
    if (session === undefined || session.user !== user) {
      const advice = { reconnect: "handshake", interval: 0 };
      return [{ ...base, successful: false, error: "402::session_unknown", advice }];
    }
    if (channel === "/meta/subscribe") {
      const { subscription } = message;
      for (const each of [subscription].flat()) session.subscriptions.add(String(each));
      return [{ ...base, successful: true, subscription }];
    }
    if (channel === "/meta/connect") {
      // The first is answered at once, as CometD's own server does.
      if (session.connects++ > 0 && session.queue.length === 0) await hold(session, over);
      if (clientId !== null && !sessions.has(clientId)) return await reply(user, message, over);
      return [...session.queue.splice(0), { ...base, successful: true, advice: RETRY }];
    }
    if (channel === "/meta/disconnect" && clientId !== null) {
      sessions.delete(clientId);
      session.wake();
    }
    return [{ ...base, successful: true }];
  }

  function handshake(user: string): Message {
    const clientId = crypto.randomUUID();
    sessions.set(clientId, {
      user,
      subscriptions: new Set(),
      queue: [],
      connects: 0,
      wake: () => {},
    });
    return {
      successful: true,
      version: "1.0",
      minimumVersion: "1.0",
      clientId,
      supportedConnectionTypes: ["long-polling"],
      advice: RETRY,
    };
  }

  async function hold(session: ClientSession, over: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    session.wake = resolve;
    over.then(resolve);
    const timer = setTimeout(resolve, HELD_MS / hurry);
    if (closed) resolve();
    await promise;
    clearTimeout(timer);
  }

  const ofUser = (user: string) => [...sessions].filter(([, session]) => session.user === user);

  return {
    asked,
    async answer(user, text, { over }) {
      const messages: readonly Message[] = [JSON.parse(text)].flat();
      const fault = broken.get(user);
      if (fault !== undefined && messages.some(({ channel }) => channel === "/meta/connect")) {
        broken.delete(user);
        return fault();
      }
      const replies = await Promise.all(messages.map((message) => reply(user, message, over)));
      return Response.json(replies.flat());
    },
    publish(user, data) {
      for (const [, session] of ofUser(user)) {
        if (!session.subscriptions.has("/v2/me/*")) continue;
        session.queue.push({ channel: SMS_CHANNEL, data });
        session.wake();
      }
    },
    drop(user) {
      for (const [clientId, session] of ofUser(user)) {
        sessions.delete(clientId);
        session.wake();
      }
    },
    breakNextConnect: (user, answer) => void broken.set(user, answer),
    sessions: (user) => ofUser(user).length,
    heard: (user, channel, count = 1, timeoutMs) =>
      asked.until(
        `${channel} ${count} by ${user} at CometD`,
        (items) =>
          items.filter((item) => item.user === user && item.channel === channel)[count - 1],
        timeoutMs === undefined ? {} : { timeoutMs },
      ),
    close() {
      closed = true;
      for (const session of sessions.values()) session.wake();
    },
  };
}
