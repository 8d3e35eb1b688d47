import type { Transport } from "cometd";
import type { BayeuxMessage } from "./bayeux.ts";
import type { PollOutcome } from "./poll.ts";

/** A request as the CometD client hands it to its transport. */
interface Envelope {
  readonly url: string;
  readonly messages: readonly { readonly id?: string; readonly channel: string }[];
  onSuccess(replies: readonly unknown[]): void;
  onFailure(conduit: null, messages: readonly unknown[], failure: PollFailure): void;
}

/** Why there is no reply; the client puts it into `message.failure`. */
export interface PollFailure {
  readonly reason: string;
  readonly status: number | null;
  readonly isCsrfRefusal: boolean;
  readonly retryAfterMs: number | null;
}

export interface PollTransport extends Transport {
  send(envelope: Envelope, isConnect: boolean): void;
  reset(): void;
}

export interface PollTransportOptions {
  readonly poll: (
    request: {
      readonly url: URL;
      readonly messages: readonly unknown[];
      /** The server may hold it for as long as its advice says. */
      readonly isConnect: boolean;
    },
  ) => Promise<PollOutcome>;
  readonly onMalformed: (count: number) => void;
  /**
   * The server has ended the session by itself: an answer brought a `/meta/disconnect` that replies to nothing. The client
   * would take it for its own and never poll again. `isUnwelcome`: with the advice not to come back.
   */
  readonly onFarewell: (isUnwelcome: boolean) => void;
  /** The client threw while it was given a reply; it is of no use any more. */
  readonly onBroken: (error: unknown) => void;
}

/**
 * The client's long-polling transport. As in a browser at most two requests are under way: a connect, which the server
 * holds, and one other.
 *
 * Unlike the package's own it makes sure that every message gets a reply or a failure: the client would wait for a
 * missing reply to its connect for ever.
 */
export function createPollTransport(
  { poll, onMalformed, onFarewell, onBroken }: PollTransportOptions,
): PollTransport {
  let isAborted = false;
  let others: Promise<void> = Promise.resolve();

  async function exchange(envelope: Envelope, isConnect: boolean): Promise<void> {
    try {
      await tryExchange(envelope, isConnect);
    } catch (error) {
      // Nobody waits for this promise: an error that the client throws would end the process.
      onBroken(error);
    }
  }

  async function tryExchange(envelope: Envelope, isConnect: boolean): Promise<void> {
    if (isAborted) return;
    const { messages } = envelope;
    // The client ends an address without a suffix in a slash, which quite a few servers take for another path.
    const url = new URL(envelope.url.replace(/\/$/, ""));
    const outcome = await poll({ url, messages, isConnect });
    if (isAborted) return;
    if (!outcome.ok) return envelope.onFailure(null, messages, outcome);
    if (outcome.malformed > 0) onMalformed(outcome.malformed);
    if (outcome.messages.some((message) => isFarewell(message, messages))) {
      const isMeta = ({ channel }: BayeuxMessage) => channel.startsWith("/meta/");
      // What it had yet to tell comes with the farewell.
      envelope.onSuccess(outcome.messages.filter((message) => !isMeta(message)));
      const metas = outcome.messages.filter(isMeta);
      return onFarewell(metas.some(({ advice }) => advice?.reconnect === "none"));
    }
    envelope.onSuccess(outcome.messages);
    const unanswered = messages.filter(({ id, channel }) =>
      !outcome.messages.some((reply) => reply.id === id && reply.channel === channel)
    );
    if (unanswered.length > 0 && !isAborted) {
      envelope.onFailure(null, unanswered, {
        reason: "no reply",
        status: 200,
        isCsrfRefusal: false,
        retryAfterMs: null,
      });
    }
  }

  return {
    type: "long-polling",
    url: "", // empty: the client's own
    accept: () => true,
    send(envelope, isConnect) {
      if (isConnect) void exchange(envelope, true);
      else others = others.then(() => exchange(envelope, false));
    },
    reset() {},
    abort() {
      isAborted = true;
    },
  };
}

/** CometD's servers send it in front of the reply to the connect that they held (`ServerSession.disconnect`). */
function isFarewell({ channel, id }: BayeuxMessage, asked: Envelope["messages"]): boolean {
  return channel === "/meta/disconnect" &&
    !asked.some((message) =>
      message.channel === channel && (id === undefined || message.id === id)
    );
}
