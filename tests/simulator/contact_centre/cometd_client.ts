/** An agent's desktop on CometD, by the client of the `cometd` package. */
import { CometD, type Message } from "cometd";
import { adapt } from "cometd-nodejs-client";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";
import { createInbox, type Inbox } from "../../../simulator/kit/inbox.ts";

/** An agent's desktop: the CometD client as published, over long polling, with a cookie jar of its own. */
export interface Desktop extends AsyncDisposable {
  readonly client: CometD;
  /** What came on subscribed channels, in order. */
  readonly heard: Inbox<Message>;
  /** Every reply to a handshake, a connect and so on. */
  readonly replies: Inbox<Message>;
}

export interface DesktopOptions {
  readonly agentId?: string;
  readonly password?: string;
  /** Subscribed to after every handshake; `/v2/me/*` alone, unless told otherwise. */
  readonly subscriptions?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** The adapted XMLHttpRequest's address, which also carries what it is about to send. */
interface RequestAddress {
  readonly headers: Readonly<Record<string, string>>;
}

// By default all clients of a host share one jar, so that the server would take them for one browser.
const jars = new Map<string, Map<string, string>>();
adapt({
  cookies: {
    storeCookie(uri: RequestAddress, header, callback) {
      const [, name = "", value = ""] = /^([^=;]+)=([^;]*)/.exec(header) ?? [];
      jarOf(uri).set(name, value);
      callback(null, header);
    },
    retrieveCookies(_context: unknown, uri: RequestAddress, callback) {
      callback(null, [...jarOf(uri)].map(([name, value]) => `${name}=${value}`));
    },
  },
});

function jarOf({ headers }: RequestAddress): Map<string, string> {
  const owner = headers["x-desktop"] ?? "";
  const jar = jars.get(owner) ?? new Map<string, string>();
  jars.set(owner, jar);
  return jar;
}

let desktops = 0;

/** Opens a desktop and resolves once it hears. */
export async function openDesktop(
  centre: ContactCentre,
  options: DesktopOptions = {},
): Promise<Desktop> {
  const { agentId = "agent-1" } = options;
  const before = sessionsOf(centre, agentId);
  const desktop = startDesktop(centre, options);
  await untilListening(centre, { agentId, before });
  return desktop;
}

/** The ids of an agent's CometD sessions. */
export function sessionsOf({ cometd }: ContactCentre, agentId: string): ReadonlySet<string> {
  const own = cometd.sessions.filter((session) => session.agentId === agentId);
  return new Set(own.map(({ clientId }) => clientId));
}

/** Resolves once an agent hears through another session than those before. */
export async function untilListening(
  { cometd }: ContactCentre,
  { agentId = "agent-1", before }: {
    readonly agentId?: string;
    readonly before: ReadonlySet<string>;
  },
): Promise<void> {
  await cometd.happenings.waitFor(
    (happening) =>
      happening.kind === "listening" && happening.agentId === agentId &&
      !before.has(happening.clientId),
    { timeoutMs: 10_000 },
  );
}

/** Opens a desktop without waiting for anything. */
export function startDesktop(
  { url, cometd }: ContactCentre,
  {
    agentId = "agent-1",
    password = "",
    subscriptions = ["/v2/me/*"],
    headers = {},
  }: DesktopOptions = {},
): Desktop {
  const name = `desktop-${++desktops}`;
  const heard = createInbox<Message>("message");
  const replies = createInbox<Message>("reply");
  const client = new CometD(name);
  // Upstream does not support it, and the adapter would bring one.
  client.unregisterTransport("websocket");
  client.configure({
    url: `${url}${cometd.path}`,
    backoffIncrement: 20,
    requestHeaders: {
      authorization: `Basic ${btoa(`${agentId}:${password}`)}`,
      "x-desktop": name,
      ...headers,
    },
  });
  // Not /meta/*: a refusal would be there twice, as /meta/unsuccessful too.
  for (const kind of ["handshake", "connect", "subscribe", "disconnect"]) {
    client.addListener(`/meta/${kind}`, (reply) => replies.add(reply));
  }
  client.addListener("/meta/handshake", ({ successful }) => {
    if (successful !== true) return;
    client.batch(() => {
      for (const channel of subscriptions) {
        client.subscribe(channel, (message) => heard.add(message));
      }
    });
  });
  client.handshake();
  return {
    client,
    heard,
    replies,
    async [Symbol.asyncDispose]() {
      heard.close();
      replies.close();
      jars.delete(name);
      if (client.isDisconnected()) return;
      await new Promise<void>((resolve) => client.disconnect(() => resolve()));
    },
  };
}
