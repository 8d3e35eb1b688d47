import type { Inbox } from "../kit/inbox.ts";

/** How the CometD side behaves; the defaults of times are CometD's own, as upstream's are not known. */
export interface CometdOptions {
  /** Where it listens, with `/handshake`, `/connect` and `/disconnect` below it; `/api/v2/notifications`. */
  readonly path?: string;
  /** Where notifications of SMS sessions go; `/v2/me/smssessions`. */
  readonly channel?: string;
  /** How long a connect is held when there is nothing to tell; 30000. */
  readonly timeoutMs?: number;
  /** How long a client is told to wait between connects; 0. */
  readonly intervalMs?: number;
  /** How long after an answer a session without a new connect lives, beside `intervalMs`; 10000. */
  readonly maxIntervalMs?: number;
  /** How often sessions are looked at for having expired; 997. */
  readonly sweepMs?: number;
  /** How many connects with one `BAYEUX_BROWSER` cookie are held at a time; 1. */
  readonly maxSessionsPerBrowser?: number;
  /** The `interval` that is advised to connects beyond that; 2000. */
  readonly multiSessionIntervalMs?: number;
  /** A handshake with bad credentials: HTTP 401, the default, or a handshake reply with the advice `none`. */
  readonly handshakeRefusal?: "http" | "bayeux";
}

/** Something that happened to a CometD session, for tests to wait for. */
export interface CometdHappening {
  /**
   * `handshake`: a session began. `refused`: a handshake was denied by a Bayeux reply. `subscribed`: to one more channel.
   * `held`: a connect is waiting. `listening`: a session has come to be both, subscribed to something and held, which are
   * requests of their own and come in any order. `gone`: a session is over.
   */
  readonly kind: "handshake" | "refused" | "subscribed" | "held" | "listening" | "gone";
  readonly agentId: string | null;
  readonly clientId: string;
  /** The channel, for `subscribed`. */
  readonly channel?: string;
}

/** A CometD session as it stands. */
export interface CometdSession {
  readonly clientId: string;
  readonly agentId: string;
  readonly subscriptions: readonly string[];
}

/** What a reply says instead: its members are merged into the real one. */
export type ReplyChanges = Readonly<Partial<Record<"error" | "successful" | "advice", unknown>>>;

/** What tests see of CometD. */
export interface CometdView {
  /** Where it listens. */
  readonly path: string;
  readonly sessions: readonly CometdSession[];
  readonly happenings: Inbox<CometdHappening>;
  /**
   * Changes the next reply on a meta channel, of that agent if one is named, such as
   * `("/meta/connect", { successful: false, error: "403::denied", advice: { reconnect: "none" } })`.
   */
  changeReply(channel: string, changes: ReplyChanges, agentId?: string): void;
}
