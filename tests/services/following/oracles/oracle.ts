import type { IncomingMessage, ServerResponse } from "node:http";

/** What a reply says instead: its members are merged into the real one by an extension of the server. */
export type ReplyChanges = Readonly<Record<string, unknown>>;

/** A real Bayeux server that somebody else has made, and what it can be brought to do. */
export interface BayeuxOracle {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Tells everybody who has subscribed. */
  publish(channel: string, data: unknown): void;
  /** Forgets all of its sessions without a word, as a server does that was started anew. */
  forget(): void;
  /** Ends all of its sessions by itself. */
  endSessions(): void;
  /** Ends the next session as soon as it has shaken hands. */
  endNextAtHandshake(): void;
  /** Changes the next message on this channel. */
  changeNext(channel: string, changes: ReplyChanges): void;
  /** Forgets the changes that have not happened yet. */
  changeNothing(): void;
  refuse(what: { readonly handshakes?: boolean; readonly subscriptions?: boolean }): void;
  close(): void;
}

/** How long a server holds a connect. */
export const HELD_MS = 300;

/** Changes that wait for the message that they are for. */
export function createPlannedChanges() {
  const planned: { readonly channel: string; readonly changes: ReplyChanges }[] = [];
  return {
    add: (channel: string, changes: ReplyChanges) => void planned.push({ channel, changes }),
    clear: () => void (planned.length = 0),
    apply(message: { readonly channel: string }): void {
      const at = planned.findIndex(({ channel }) => channel === message.channel);
      if (at >= 0) Object.assign(message, planned.splice(at, 1)[0]?.changes);
    },
  };
}
