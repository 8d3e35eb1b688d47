import type { CometD, Message } from "cometd";
import type { Clock, Timer } from "../../support/clock.ts";
import { createPollTransport, type PollFailure, type PollTransport } from "./poll_transport.ts";
import type { PollOutcome } from "./poll.ts";

/** How a CometD session ended. */
export type SessionEnd =
  /** The server does not know it any more, or wants a new one. */
  | { readonly kind: "lost" }
  /** An exchange failed; whatever was in its answer is lost, so that the session is of no use any more. */
  | { readonly kind: "failed"; readonly why: string }
  /** The credentials or the subscriptions were turned down. */
  | { readonly kind: "refused"; readonly why: string }
  /** The first request was turned down for want of the right CSRF token. */
  | { readonly kind: "csrf" }
  /** The server said not to come back: advice `none`. */
  | { readonly kind: "dismissed"; readonly why: string }
  /** By {@link CometdSession.close}. */
  | { readonly kind: "closed" };

/** A CometD session from its handshake to its end. It does not renew itself. */
export interface CometdSession {
  /** Resolves once; never rejects. */
  readonly ended: Promise<SessionEnd>;
  /** Says goodbye to the server where there is something to say, and resolves once nothing is under way. */
  close(): Promise<void>;
}

export interface CometdSessionOptions {
  readonly client: CometD;
  /** The endpoint. */
  readonly url: string;
  readonly channels: readonly string[];
  readonly poll: (
    request: {
      readonly url: URL;
      readonly messages: readonly unknown[];
      readonly timeoutMs: number;
      readonly signal: AbortSignal;
    },
  ) => Promise<PollOutcome>;
  readonly clock: Clock;
  readonly random: () => number;
  /** The text of a notification's `data`, in the order of their coming. */
  readonly onNotification: (dataText: string) => void;
  /** Everything that is published from now on is heard. */
  readonly onSubscribed: () => void;
  /** A channel was refused while others were not. */
  readonly onChannelRefused: (channel: string) => void;
  readonly onMalformed: (count: number) => void;
}

/** Beyond what the server may hold a connect for, this is how long an answer may take: CometD's own margin. */
export const NETWORK_DELAY_MS = 10_000;
/** How long a goodbye may take. */
const GOODBYE_MS = 1_000;
/** A connect that the server answers at once, and with nothing, so often in a row is made to wait by us. */
const HASTY_LIMIT = 5;
const HASTY_MS = 100;
const HASTY_PAUSE_MS = 1_000;

/** What the client passes to {@link ClientInternals.onTransportFailure}. */
interface FailureInfo {
  action: string;
  readonly cause?: string;
}

/**
 * Members that the package has and its types leave out. Its own documentation calls `onTransportFailure` the place
 * for a policy of one's own.
 */
interface ClientInternals {
  setTimeout(run: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer | null): void;
  onTransportFailure(
    message: Message & { readonly failure?: PollFailure },
    info: FailureInfo,
    handle: (info: FailureInfo) => void,
  ): void;
  _warn(): void;
  _info(): void;
  _debug(): void;
}

/** Shakes hands, subscribes and polls until it ends. */
export function openCometdSession(options: CometdSessionOptions): CometdSession {
  const { client, clock, channels } = options;
  const { promise: ended, resolve } = Promise.withResolvers<SessionEnd>();
  const aborter = new AbortController();
  const timers = new Set<Timer>();
  const underWay = new Set<Promise<unknown>>();
  let isOver = false;
  let isClosing = false;
  let hasty = 0;

  /** Nothing more is sent from here on, and no timer is left behind. */
  function end(how: SessionEnd): void {
    if (isOver) return;
    isOver = true;
    transport.abort();
    aborter.abort();
    for (const timer of timers) timer.cancel();
    timers.clear();
    resolve(isClosing ? { kind: "closed" } : how);
  }

  const transport: PollTransport = createPollTransport({
    onMalformed: options.onMalformed,
    onBroken: (error) => end({ kind: "failed", why: `client: ${String(error)}`.slice(0, 100) }),
    async poll({ url, messages, isConnect }) {
      const startedAtMs = clock.now();
      const heldMs = isConnect ? client.getAdvice().timeout ?? 0 : 0;
      const polling = options.poll({
        url,
        messages,
        timeoutMs: heldMs + NETWORK_DELAY_MS,
        signal: aborter.signal,
      });
      underWay.add(polling);
      const outcome = await polling;
      underWay.delete(polling);
      if (isConnect && outcome.ok) {
        const isHasty = outcome.messages.length === 1 && clock.now() - startedAtMs < HASTY_MS;
        hasty = isHasty ? hasty + 1 : 0;
      }
      return outcome;
    },
  });

  function override(): void {
    const internals: ClientInternals = {
      setTimeout(run, delayMs) {
        const pauseMs = hasty > HASTY_LIMIT ? Math.max(delayMs, HASTY_PAUSE_MS) : delayMs;
        const timer = clock.after(pauseMs, () => {
          timers.delete(timer);
          run();
        });
        timers.add(timer);
        return timer;
      },
      clearTimeout(timer) {
        if (timer === null) return;
        timers.delete(timer);
        timer.cancel();
      },
      onTransportFailure(message, info, handle) {
        const how = endOf(message, info);
        if (how === null) {
          // The server knows the session and wants the same again: the client's own back-off, spread a little.
          client.setBackoffIncrement(1_000 * (0.5 + options.random()));
          original.call(client, message, info, handle);
        } else {
          end(how);
          handle({ action: "none" });
        }
      },
      // They would write messages, texts of customers included, to the console.
      _warn() {},
      _info() {},
      _debug() {},
    };
    const original: ClientInternals["onTransportFailure"] = Reflect.get(
      client,
      "onTransportFailure",
    );
    Object.assign(client, internals);
  }

  function subscribe(): void {
    let answered = 0;
    const refused: string[] = [];
    const onReply = (channel: string) => (reply: Message & { failure?: PollFailure }) => {
      if (isOver) return;
      if (reply.failure !== undefined) return end(endOfFailure(reply.failure));
      if (reply.advice?.reconnect === "handshake") return end({ kind: "lost" });
      if (reply.successful !== true) refused.push(channel);
      if (++answered < channels.length) return;
      if (refused.length === channels.length) {
        return end({ kind: "refused", why: "no subscription was granted" });
      }
      refused.forEach(options.onChannelRefused);
      options.onSubscribed();
    };
    client.batch(() => {
      for (const channel of channels) client.subscribe(channel, () => {}, onReply(channel));
    });
  }

  function onMeta(message: Message): void {
    // The client knows no such advice on a reply that is successful, and would do nothing at all.
    if (message.successful && message.advice?.reconnect === "handshake") end({ kind: "lost" });
    else if (message.successful && message.advice?.reconnect === "none") {
      end({ kind: "dismissed", why: `advice none on ${message.channel}` });
    } else if (message.successful && message.channel === "/meta/handshake") subscribe();
  }

  function onMessage(message: Message): Message {
    const { channel, data } = message;
    if (!isOver && !channel.startsWith("/meta/") && typeof data === "string") {
      options.onNotification(data);
    }
    return message;
  }

  function start(): void {
    override();
    client.unregisterTransports();
    client.registerTransport("long-polling", transport);
    client.configure({ url: options.url, useWorkerScheduler: false });
    client.addListener("/meta/handshake", onMeta);
    client.addListener("/meta/connect", onMeta);
    // Not by the subscriptions: one message may match several. Nor by a listener on "/**": the client would take it for a
    // subscription to that channel, and not send the real one.
    client.registerExtension("notifications", { incoming: onMessage });
    client.handshake();
  }

  async function close(): Promise<void> {
    isClosing = true;
    if (!isOver && client.getClientId() !== null) await sayGoodbye();
    end({ kind: "closed" });
    await Promise.all(underWay);
  }

  async function sayGoodbye(): Promise<void> {
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(GOODBYE_MS, resolve);
    client.disconnect(() => resolve());
    await left;
    timer.cancel();
  }

  start();
  return { ended, close };
}

/** What a failure that the client reports means; null: go on. */
function endOf(
  { channel, error, advice, failure }: Message & { readonly failure?: PollFailure },
  { action, cause }: FailureInfo,
): SessionEnd | null {
  if (failure !== undefined) return endOfFailure(failure);
  const why = `${channel}: ${error ?? cause ?? "unsuccessful"}`.slice(0, 100);
  if (action === "none") return { kind: "dismissed", why };
  if (channel === "/meta/handshake") {
    return /^40[13]/.test(error ?? "") ? { kind: "refused", why } : { kind: "failed", why };
  }
  // "Unknown client" without an advice to go with it: 402, of some servers 403. The texts differ between versions.
  const isUnknown = advice?.reconnect === undefined && /^40[23]/.test(error ?? "");
  return action === "handshake" || isUnknown ? { kind: "lost" } : null;
}

function endOfFailure({ reason, status, isCsrfRefusal }: PollFailure): SessionEnd {
  if (isCsrfRefusal) return { kind: "csrf" };
  return status === 401 || status === 403
    ? { kind: "refused", why: reason }
    : { kind: "failed", why: reason };
}
