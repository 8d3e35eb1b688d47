import { createInbox, type Inbox, type InboxOwner, type WaitOptions } from "../kit/inbox.ts";
import type { Answer } from "./answers.ts";
import type { Verdict, Verify } from "./verify.ts";

/** A request that arrived, and what the consumer makes of it. */
export interface Delivery {
  /** `webhook-id`; empty when there was none. */
  readonly id: string;
  /** `webhook-timestamp` as sent; empty when there was none. */
  readonly timestamp: string;
  /** `type` of the body; null when it has none. */
  readonly type: string | null;
  readonly body: string;
  readonly headers: Headers;
  readonly method: string;
  readonly verified: boolean;
  /** Why it is not verified. */
  readonly fault?: string;
  /** Which delivery, counted from 1, was the first verified one with this id; absent on that one itself. */
  readonly duplicateOf?: number;
  /** On the consumer's clock, Unix milliseconds. */
  readonly receivedAtMs: number;
  /** Resolves when the sender went away before it had the whole answer. */
  readonly senderGone: Promise<void>;
}

/**
 * Decides the answer to a delivery, by its kind or as a response of its own; `n` is its place among all deliveries here,
 * counted from 1.
 */
export type Respond = (
  delivery: Delivery,
  n: number,
) => Answer | Response | Promise<Answer | Response>;

/** One endpoint of the consumer: a path with its own secret, deliveries and behaviour. */
export interface WebhookInbox {
  /** To be registered as the webhook's URL. */
  readonly url: string;
  /** In the order of arrival, unverified ones included. */
  readonly deliveries: readonly Delivery[];
  received(n: number, options?: WaitOptions): Promise<Delivery>;
  waitFor(predicate: (delivery: Delivery) => boolean, options?: WaitOptions): Promise<Delivery>;
  /** `whsec_…`, as shown when the webhook was registered. */
  setSecret(secret: string): void;
  /** From now on verified deliveries get this answer, and unverified ones too where they are not refused. */
  respond(handler: Respond): void;
}

/** The side of an inbox that the server holds. */
export interface WebhookInboxOwner {
  readonly inbox: WebhookInbox;
  /** Writes a request down and decides its answer; null: it is refused, as it is not verified. */
  take(request: {
    readonly method: string;
    readonly headers: Headers;
    readonly body: string;
    readonly senderGone: Promise<void>;
  }): Promise<Answer | Response | null>;
  close(): void;
}

/** What holds for every endpoint that was told nothing of its own. */
export interface SharedSettings {
  secret: string | null;
  respond: Respond;
  readonly refusesUnverified: boolean;
  readonly isRecording: boolean;
}

/** An endpoint at `url`. */
export function createWebhookInbox(
  { url, shared, verify, now, onDelivery }: {
    readonly url: string;
    readonly shared: Readonly<SharedSettings>;
    readonly verify: Verify;
    readonly now: () => number;
    readonly onDelivery: (delivery: Delivery, url: string) => void;
  },
): WebhookInboxOwner {
  const deliveries: InboxOwner<Delivery> = createInbox("delivery", {
    onAdd: (delivery) => onDelivery(delivery, url),
  });
  /** Which delivery, counted from 1, was the first verified one with an id. */
  const firstById = new Map<string, number>();
  let count = 0;
  let ownSecret: string | null = null;
  let ownRespond: Respond | null = null;
  return {
    inbox: publicSide(url, deliveries, {
      setSecret: (secret) => ownSecret = secret,
      respond: (handler) => ownRespond = handler,
    }),
    async take({ method, headers, body, senderGone }) {
      const verdict = verify(ownSecret ?? shared.secret, headers, body);
      const id = headers.get("webhook-id") ?? "";
      const delivery: Delivery = {
        id,
        timestamp: headers.get("webhook-timestamp") ?? "",
        type: typeOf(body),
        body,
        headers,
        method,
        ...verdict,
        ...duplicateMember(firstById.get(id), verdict),
        receivedAtMs: now(),
        senderGone,
      };
      count++;
      if (shared.isRecording) {
        if (verdict.verified && !firstById.has(id)) firstById.set(id, count);
        deliveries.add(delivery);
      } else onDelivery(delivery, url);
      if (!verdict.verified && shared.refusesUnverified) return null;
      return await (ownRespond ?? shared.respond)(delivery, count);
    },
    close: () => deliveries.close(),
  };
}

function publicSide(
  url: string,
  { items, received, waitFor }: Inbox<Delivery>,
  settings: Pick<WebhookInbox, "setSecret" | "respond">,
): WebhookInbox {
  return { url, deliveries: items, received, waitFor, ...settings };
}

function duplicateMember(
  duplicateOf: number | undefined,
  { verified }: Verdict,
): { readonly duplicateOf?: number } {
  return verified && duplicateOf !== undefined ? { duplicateOf } : {};
}

function typeOf(untrustedBody: string): string | null {
  try {
    const value: unknown = JSON.parse(untrustedBody);
    return typeof value === "object" && value !== null && "type" in value &&
        typeof value.type === "string"
      ? value.type
      : null;
  } catch {
    return null;
  }
}
