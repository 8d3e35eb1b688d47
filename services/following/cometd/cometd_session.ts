import type { CometD, Message } from "cometd";
import type { Clock, Timer } from "../../support/clock.ts";
import { type ClientReply, overrideClient } from "./client_overrides.ts";
import { createClientTimers } from "./client_timers.ts";
import type { Poll, PollOutcome } from "./poll.ts";
import { createPollTransport, type PollTransport } from "./poll_transport.ts";
import {
  endOfBrokenClient,
  endOfFarewell,
  endOfReply,
  endOfSilence,
  endOfSubscriptions,
  judgeSubscription,
  reasonOf,
  type SessionEnd,
} from "./session_end.ts";

/** A CometD session from its handshake to its end. It does not renew itself. */
export interface CometdSession {
  /** Resolves once; never rejects. */
  readonly ended: Promise<SessionEnd>;
  /** Disconnects from the server if it knows the session, and resolves once nothing is under way. */
  close(): Promise<void>;
}

export interface CometdSessionOptions {
  readonly client: CometD;
  /** The endpoint's whole address. */
  readonly url: string;
  readonly channels: readonly string[];
  /** Never rejects. */
  readonly poll: (poll: Poll) => Promise<PollOutcome>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** The text of a notification's `data`, in the order in which they come. */
  readonly onNotification: (dataText: string) => void;
  /** Everything that is published from now on is heard. */
  readonly onSubscribed: () => void;
  /** A channel was refused while others were not; `why`: what the server says of it. */
  readonly onChannelRefused: (channel: string, why: string) => void;
  readonly onMalformed: (count: number) => void;
}

/** How long an answer may take beyond the time for which the server may hold a connect: CometD's own margin. */
const NETWORK_DELAY_MS = 10_000;
/** How much longer than every wait that is foreseen nothing may succeed before the session is taken to be lost. */
const SILENCE_MARGIN_MS = 20_000;
/** How long the disconnect at the end may take. */
const DISCONNECT_MS = 1_000;

/** Shakes hands, subscribes and polls until it ends. */
export function openCometdSession(options: CometdSessionOptions): CometdSession {
  const { client, clock, channels } = options;
  const { promise: ended, resolve } = Promise.withResolvers<SessionEnd>();
  const aborter = new AbortController();
  const timers = createClientTimers(clock);
  const underWay = new Set<Promise<unknown>>();
  let isOver = false;
  let isClosing = false;
  let silence: Timer | null = null;

  /**
   * Begins to wait for the next success. Whatever keeps it away, be it that the server turns down one connect after
   * another or that the client has stopped to poll, a session in which nothing succeeds any more is not to pass for live.
   */
  function awaitSuccess(): void {
    silence?.cancel();
    const { timeout = 0, interval = 0 } = client.getAdvice();
    const longestMs = timeout + interval + NETWORK_DELAY_MS + SILENCE_MARGIN_MS;
    silence = clock.after(longestMs, () => end(endOfSilence(longestMs)));
  }

  /** Nothing more is sent from here on, and no timer is left behind. */
  function end(how: SessionEnd): void {
    if (isOver) return;
    isOver = true;
    transport.abort();
    aborter.abort();
    timers.cancelAll();
    silence?.cancel();
    resolve(isClosing ? { kind: "closed" } : how);
  }

  const transport: PollTransport = createPollTransport({
    onMalformed: options.onMalformed,
    onFarewell: (isUnwelcome) => end(endOfFarewell(isUnwelcome)),
    onBroken: (error) => end(endOfBrokenClient(error)),
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
        timers.noteConnectAnswered(startedAtMs, outcome.messages.length);
      }
      return outcome;
    },
  });

  function subscribe(): void {
    let answered = 0;
    const refused = new Map<string, string>();
    const onReply = (channel: string) => (reply: ClientReply) => {
      if (isOver) return;
      const verdict = judgeSubscription(reply);
      if (typeof verdict === "object") return end(verdict);
      if (verdict === "refused") refused.set(channel, reasonOf(reply));
      if (++answered < channels.length) return;
      const how = endOfSubscriptions(channels.length, [...refused.values()]);
      if (how !== null) return end(how);
      refused.forEach((why, channel) => options.onChannelRefused(channel, why));
      options.onSubscribed();
    };
    client.batch(() => {
      for (const channel of channels) client.subscribe(channel, () => {}, onReply(channel));
    });
  }

  /** The client would do nothing about an advice on a successful reply. Its failures come to `shouldRetry`. */
  function onMeta(message: Message): void {
    if (!message.successful || isOver) return;
    // The advice that the client goes by may have come with another message before.
    const how = endOfReply({ ...message, advice: client.getAdvice() });
    if (how !== null) return end(how);
    awaitSuccess();
    if (message.channel === "/meta/handshake") subscribe();
  }

  function onMessage(message: Message): Message {
    const { channel, data } = message;
    if (!isOver && !channel.startsWith("/meta/") && typeof data === "string") {
      options.onNotification(data);
    }
    return message;
  }

  function start(): void {
    overrideClient(client, {
      timers,
      shouldRetry(reply, plan) {
        const how = endOfReply(reply, plan);
        if (how !== null) end(how);
        return how === null;
      },
      random: options.random,
    });
    client.unregisterTransports();
    client.registerTransport("long-polling", transport);
    client.configure({ url: options.url, useWorkerScheduler: false });
    client.addListener("/meta/handshake", onMeta);
    client.addListener("/meta/connect", onMeta);
    // An extension sees each message once. Subscriptions would not do, as one message may match several; nor would a
    // listener on "/**": the client would take it for a subscription to that channel, and not send the real one.
    client.registerExtension("notifications", { incoming: onMessage });
    awaitSuccess();
    client.handshake();
  }

  async function close(): Promise<void> {
    isClosing = true;
    if (!isOver && client.getClientId() !== null) await disconnect();
    end({ kind: "closed" });
    await Promise.all(underWay);
  }

  async function disconnect(): Promise<void> {
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(DISCONNECT_MS, resolve);
    client.disconnect(() => resolve());
    await answered;
    timer.cancel();
  }

  start();
  return { ended, close };
}
