import type { PollFailure } from "./poll_transport.ts";

// What is done about each answer of the server. docs/following.md tells it to operators in the same rows.
//
// A number is the `error`'s (Bayeux: `code:arguments:text`); texts differ between servers and between versions of one, so
// only where a number has two meanings the text is looked at, for "unknown". "None" and "handshake" are advices
// (`advice.reconnect`); an advice holds for later replies until another one comes.
//
//   HTTP, on any channel                                   then
//   -----------------------------------------------------  ---------------------------------------------------
//   200 and Bayeux                                         by channel, below
//   200 and anything else, a reply missing                 failed
//   401, 403                                               refused
//   403 for its CSRF token                                 csrf
//   429, 503 with Retry-After                              failed, and not again before that
//   3xx, any other 4xx and 5xx                             failed
//   no answer in time, connection refused or broken        failed
//
//   channel          answer                                then
//   ---------------  ------------------------------------  ---------------------------------------------------
//   any              successful, advice handshake          lost
//                    successful, advice none               dismissed
//                    successful, advice retry or without   the session goes on
//   /meta/handshake  402                                   lost
//                    any other number, advice none         dismissed
//                    401, 403                              refused
//                    any other number or none              failed
//   /meta/connect    402, 403, whatever the advice         lost
//                    401 "unknown", or advice handshake    lost
//                    401, advice none                      dismissed
//                    401                                   refused
//                    any other, advice handshake           lost
//                    any other, advice none                dismissed
//                    any other, advice retry or without    polled again; lost once nothing has succeeded for longer
//                                                          than a poll may take (`SILENCE_MARGIN_MS`)
//   /meta/subscribe  402, whatever the advice              lost
//                    401, 403 "unknown", advice handshake  lost
//                    401                                   refused
//                    408, 409, 429, 5xx                    failed
//                    403 and any other, of all channels    refused
//                    … of some of the channels             goes on with the rest
//   /meta/disconnect that nobody asked for                 lost
//
// Sources: Bayeux protocol, "advice" and "error"; CometD's JavaScript client, `onTransportFailure`. 402 is "unknown client"
// for CometD, 403 for Salesforce, 401 for Faye, whose 402 is a missing parameter, such as the client id.

/** How a CometD session ended. */
export type SessionEnd =
  /** The server has forgotten it, has ended it, or wants a new one. */
  | {
    readonly kind: "lost";
    readonly why: string;
    /** The server has advised not to come back. */
    readonly isUnwelcome: boolean;
  }
  /** An exchange failed. Whatever its answer held is lost, so the session is of no use any more. */
  | {
    readonly kind: "failed";
    readonly why: string;
    /** The server does not want to be asked again before so many milliseconds have passed. */
    readonly retryAfterMs?: number;
  }
  /** The server turned down the credentials or all subscriptions. */
  | { readonly kind: "refused"; readonly why: string }
  /** The server turned down a request because its CSRF token was missing or wrong. */
  | { readonly kind: "csrf" }
  /** The server told the client not to come back: advice `none`. */
  | { readonly kind: "dismissed"; readonly why: string }
  /** There are no credentials to come with. */
  | { readonly kind: "unequipped"; readonly why: string }
  /** This side closed it. */
  | { readonly kind: "closed" };

/** What a reply is judged by: the members of a Bayeux message, or the failure that the client puts in a reply's place. */
export interface JudgedReply {
  readonly channel: string;
  readonly successful?: boolean;
  /** `code:arguments:text`, as in "402::Unknown client" (Bayeux protocol, "error"); servers may send anything. */
  readonly error?: unknown;
  readonly advice?: { readonly reconnect?: string };
  /** There is no reply, and this is why. */
  readonly failure?: PollFailure;
}

/** What the client means to do about an unsuccessful handshake or connect, by the advice that it remembers. */
export interface ClientPlan {
  readonly action: string;
  /** The client's own word for what is wrong, where it has one. */
  readonly cause?: string;
}

/** A subscription's reply: `refused` is one channel's, and counted with the others ({@link endOfSubscriptions}). */
export type SubscriptionVerdict = SessionEnd | "granted" | "refused";

const LONGEST_REASON = 100;

/**
 * What the reply to a handshake or a connect means for the session; null: it goes on. `plan` comes with an unsuccessful
 * one. Pure.
 */
export function endOfReply(reply: JudgedReply, plan?: ClientPlan): SessionEnd | null {
  if (reply.failure !== undefined) return endOfFailure(reply.failure);
  if (reply.successful === true) return endOfSuccess(reply);
  return reply.channel === "/meta/handshake"
    ? endOfHandshake(reply, plan)
    : endOfConnect(reply, plan);
}

/** What the reply to one subscription means. Pure. */
export function judgeSubscription(reply: JudgedReply): SubscriptionVerdict {
  if (reply.failure !== undefined) return endOfFailure(reply.failure);
  if (reply.successful === true) return endOfSuccess(reply) ?? "granted";
  const code = codeOf(reply);
  const why = reasonOf(reply);
  if (code === 402 || isUnknown(reply) || adviceOf(reply) === "handshake") return lost(reply, why);
  if (code === 401) return { kind: "refused", why };
  return code !== null && isPassing(code) ? { kind: "failed", why } : "refused";
}

/** What the replies to all subscriptions mean together; null: the session goes on. Pure. */
export function endOfSubscriptions(
  channels: number,
  refused: readonly string[],
): SessionEnd | null {
  if (refused.length < channels) return null;
  return { kind: "refused", why: `no subscription was granted (${refused[0]})` };
}

/** The server has ended the session by itself; `isUnwelcome`: with the advice not to come back. Pure. */
export function endOfFarewell(isUnwelcome: boolean): SessionEnd {
  return { kind: "lost", why: "the server ended the session", isUnwelcome };
}

/** Nothing has succeeded for longer than a poll may take. Pure. */
export function endOfSilence(silentMs: number): SessionEnd {
  return { kind: "lost", why: `no connect succeeded for ${silentMs} ms`, isUnwelcome: false };
}

/** The client threw while it worked on a reply: it is of no use any more. Pure. */
export function endOfBrokenClient(error: unknown): SessionEnd {
  return { kind: "failed", why: `client: ${String(error)}`.slice(0, LONGEST_REASON) };
}

/** A few words on an unsuccessful reply: the server's error, else the client's word for it. */
export function reasonOf(reply: JudgedReply, plan?: ClientPlan): string {
  const why = errorOf(reply) || plan?.cause || "unsuccessful";
  return `${reply.channel}: ${why}`.slice(0, LONGEST_REASON);
}

function endOfSuccess(reply: JudgedReply): SessionEnd | null {
  const why = `advice ${adviceOf(reply)} on ${reply.channel}`;
  switch (adviceOf(reply)) {
    case "handshake":
      return lost(reply, why);
    case "none":
      return { kind: "dismissed", why };
    default:
      return null;
  }
}

function endOfHandshake(reply: JudgedReply, plan: ClientPlan | undefined): SessionEnd {
  const code = codeOf(reply);
  const why = reasonOf(reply, plan);
  if (code === 402) return lost(reply, why);
  if (adviceOf(reply, plan) === "none") return { kind: "dismissed", why };
  return code === 401 || code === 403 ? { kind: "refused", why } : { kind: "failed", why };
}

function endOfConnect(reply: JudgedReply, plan: ClientPlan | undefined): SessionEnd | null {
  const code = codeOf(reply);
  const why = reasonOf(reply, plan);
  const advice = adviceOf(reply, plan);
  if (code === 402 || code === 403 || isUnknown(reply) || advice === "handshake") {
    return lost(reply, why, plan);
  }
  if (advice === "none") return { kind: "dismissed", why };
  return code === 401 ? { kind: "refused", why } : null;
}

function endOfFailure({ reason, status, isCsrfRefusal, retryAfterMs }: PollFailure): SessionEnd {
  if (isCsrfRefusal) return { kind: "csrf" };
  if (status === 401 || status === 403) return { kind: "refused", why: reason };
  return { kind: "failed", why: reason, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
}

function lost(reply: JudgedReply, why: string, plan?: ClientPlan): SessionEnd {
  return { kind: "lost", why, isUnwelcome: adviceOf(reply, plan) === "none" };
}

/** The reply's own advice, else what the client remembers of earlier ones. */
function adviceOf({ advice }: JudgedReply, plan?: ClientPlan): string | undefined {
  return advice?.reconnect ?? plan?.action;
}

function codeOf(reply: JudgedReply): number | null {
  const [, digits] = /^(\d{3})(?!\d)/.exec(errorOf(reply)) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** Whether a number that also stands for a refusal says that the client is unknown: 401 for Faye, 403 for Salesforce. */
function isUnknown(reply: JudgedReply): boolean {
  const code = codeOf(reply);
  return (code === 401 || code === 403) && /unknown/i.test(errorOf(reply));
}

function errorOf({ error }: JudgedReply): string {
  return typeof error === "string" || typeof error === "number" ? String(error) : "";
}

/** The server's own trouble, which may be over in a moment. */
function isPassing(code: number): boolean {
  return code === 408 || code === 409 || code === 429 || (code >= 500 && code < 600);
}
