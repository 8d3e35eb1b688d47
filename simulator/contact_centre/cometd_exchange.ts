import { EventEmitter } from "node:events";
import type { Exchange } from "../kit/exchange.ts";
import { untilAborted } from "../kit/until_aborted.ts";

/** A Bayeux message as it came. */
export type BayeuxMessage = Record<string, unknown>;

/** Reads a CometD request's body: an array of messages, or a single one; null when it is neither. */
export function readMessages(untrustedText: string): readonly BayeuxMessage[] | null {
  const untrusted = parse(untrustedText);
  const messages: unknown[] = Array.isArray(untrusted) ? untrusted : [untrusted];
  return messages.length > 0 && messages.every(isMessage) ? messages : null;
}

function parse(untrustedText: string): unknown {
  try {
    return JSON.parse(untrustedText);
  } catch {
    return undefined;
  }
}

function isMessage(value: unknown): value is BayeuxMessage {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Has a `node:http` handler that takes parsed messages (cometd-nodejs-server's) answer a web-standard request: what it
 * uses of a request and a response is little. This way CometD answers are Responses like all others, and cookies, CSRF
 * and faults need no second implementation.
 */
export function answerByNode(
  handle: (request: unknown, response: unknown) => void,
  { messages, cookies, exchange, clientGone }: {
    readonly messages: readonly BayeuxMessage[];
    readonly cookies: string | undefined;
    readonly exchange: Exchange;
    readonly clientGone: AbortSignal;
  },
): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const headers = new Headers();
  const response = Object.assign(new EventEmitter(), {
    statusCode: 200,
    // A getter: Object.assign would read one on its own argument at once.
    socket: {
      get destroyed() {
        return clientGone.aborted;
      },
    },
    setHeader: (name: string, value: string) => headers.append(name, value),
    end(content: string | null = null) {
      // The time until the session expires runs from when the answer has left.
      exchange.answered.then(() => response.emit("finish"));
      resolve(new Response(content, { status: response.statusCode, headers }));
    },
  });
  // A connect is held for long after its client has gone.
  untilAborted(clientGone).then(() => resolve(new Response(null)));
  try {
    handle({ method: "POST", headers: { cookie: cookies }, body: messages }, response);
  } catch {
    // An impossible channel name, for one, is thrown.
    resolve(new Response(null, { status: 400 }));
  }
  return promise;
}
