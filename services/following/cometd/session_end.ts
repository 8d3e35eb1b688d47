import type { PollFailure } from "./poll_transport.ts";

/** How a CometD session ended. */
export type SessionEnd =
  /** The server has forgotten it, or wants a new one. */
  | { readonly kind: "lost" }
  /** An exchange failed. Whatever its answer held is lost, so the session is of no use any more. */
  | { readonly kind: "failed"; readonly why: string }
  /** The server turned down the credentials or all subscriptions. */
  | { readonly kind: "refused"; readonly why: string }
  /** The server turned down a request because its CSRF token was missing or wrong. */
  | { readonly kind: "csrf" }
  /** The server told the client not to come back: advice `none`. */
  | { readonly kind: "dismissed"; readonly why: string }
  /** This side closed it. */
  | { readonly kind: "closed" };

/** What a reply is judged by: the members of a Bayeux message, or the failure that the client puts in a reply's place. */
export interface JudgedReply {
  readonly channel: string;
  readonly successful?: boolean;
  /** `code:arguments:text`, as in "402::Unknown client" (Bayeux protocol, "error"). */
  readonly error?: string;
  readonly advice?: { readonly reconnect?: string };
  /** There is no reply, and this is why. */
  readonly failure?: PollFailure;
}

/** What the client means to do about an unsuccessful reply, by the advice that it remembers. */
export interface ClientPlan {
  readonly action: string;
  /** The client's own word for what is wrong, where it has one. */
  readonly cause?: string;
}

const LONGEST_REASON = 100;

/**
 * What the reply to a handshake, a subscription or a connect means for the session; null: it goes on. `plan` comes with
 * an unsuccessful handshake or connect. Pure.
 *
 * Sources: Bayeux protocol, "advice" and "error"; CometD's JavaScript client, `onTransportFailure`.
 */
export function endOfReply(reply: JudgedReply, plan?: ClientPlan): SessionEnd | null {
  const { channel, successful, advice, failure } = reply;
  if (failure !== undefined) return endOfFailure(failure);
  if (plan !== undefined) return endOfUnsuccessful(reply, plan);
  if (advice?.reconnect === "handshake") return { kind: "lost" };
  // A subscription that was turned down is counted with the others, whatever else its reply advises.
  if (channel !== "/meta/subscribe" && successful && advice?.reconnect === "none") {
    return { kind: "dismissed", why: `advice none on ${channel}` };
  }
  return null;
}

function endOfUnsuccessful(
  { channel, error, advice }: JudgedReply,
  { action, cause }: ClientPlan,
): SessionEnd | null {
  const why = `${channel}: ${error ?? cause ?? "unsuccessful"}`.slice(0, LONGEST_REASON);
  if (action === "none") return { kind: "dismissed", why };
  if (channel === "/meta/handshake") {
    return /^40[13]/.test(error ?? "") ? { kind: "refused", why } : { kind: "failed", why };
  }
  // "Unknown client" without an advice is 402 for most servers and 403 for some. The texts differ between versions.
  const isUnknown = advice?.reconnect === undefined && /^40[23]/.test(error ?? "");
  return action === "handshake" || isUnknown ? { kind: "lost" } : null;
}

function endOfFailure({ reason, status, isCsrfRefusal }: PollFailure): SessionEnd {
  if (isCsrfRefusal) return { kind: "csrf" };
  return status === 401 || status === 403
    ? { kind: "refused", why: reason }
    : { kind: "failed", why: reason };
}

/** The client threw while it worked on a reply: it is of no use any more. Pure. */
export function endOfBrokenClient(error: unknown): SessionEnd {
  return { kind: "failed", why: `client: ${String(error)}`.slice(0, LONGEST_REASON) };
}

/** What the replies to all subscriptions mean together; null: the session goes on. Pure. */
export function endOfSubscriptions(channels: number, refused: number): SessionEnd | null {
  return refused === channels ? { kind: "refused", why: "no subscription was granted" } : null;
}
