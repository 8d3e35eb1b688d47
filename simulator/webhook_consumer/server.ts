import { Hono } from "hono";
import { type Clock, systemClock } from "../../services/support/clock.ts";
import type { Exchange } from "../kit/exchange.ts";
import { listenOnLoopback } from "../kit/loopback_server.ts";
import { untilAborted } from "../kit/until_aborted.ts";
import type { ListenOptions, Simulator } from "../kit/simulator.ts";
import { ACKNOWLEDGE, playAnswer, REFUSE } from "./answers.ts";
import { verifyByClock, verifyBySystemTime } from "./verify.ts";
import {
  createWebhookInbox,
  type Delivery,
  type Respond,
  type SharedSettings,
  type WebhookInbox,
  type WebhookInboxOwner,
} from "./webhook_inbox.ts";

export interface WebhookConsumerOptions extends ListenOptions {
  /** For every path that has none of its own; may be set later. */
  readonly secret?: string;
  /** Decides the answer where a path has no handler of its own; 204 unless told otherwise. */
  readonly respond?: Respond;
  /**
   * What becomes of a delivery whose signature is wrong or cannot be checked yet: answered 401, or like every other. It is
   * kept in either case, and marked. `refuse` unless told otherwise.
   */
  readonly unverified?: "refuse" | "respond";
  /** False: deliveries are shown to `onDelivery` and to who answers, and are not kept, so that any number may come. */
  readonly record?: boolean;
  /** Tells the time for timestamps, delays and drips; the system's unless told otherwise. */
  readonly clock?: Clock;
  /** Sees each delivery as it arrives. */
  readonly onDelivery?: (delivery: Delivery, url: string) => void;
}

/**
 * A running consumer. Its deliveries are those at `/`; its secret and its handler are for every path that was given
 * none of its own.
 */
export interface WebhookConsumer extends Simulator, Omit<WebhookInbox, "url"> {
  /** The inbox at a path such as `/a`; made on first use, also by a request. */
  at(path: string): WebhookInbox;
}

/**
 * Starts a consumer of Standard Webhooks on loopback. It verifies every request, keeps it, and answers 204;
 * what is not verified is kept too, and answered 401 unless told otherwise.
 */
export async function startWebhookConsumer(
  options: WebhookConsumerOptions = {},
): Promise<WebhookConsumer> {
  const clock = options.clock ?? systemClock;
  const verify = options.clock === undefined ? verifyBySystemTime : verifyByClock(clock);
  const server = await listenOnLoopback(options);
  const inboxes = new Map<string, WebhookInboxOwner>();
  const shared: SharedSettings = {
    secret: options.secret ?? null,
    respond: options.respond ?? (() => ACKNOWLEDGE),
    refusesUnverified: options.unverified !== "respond",
    isRecording: options.record ?? true,
  };

  function ownerAt(path: string): WebhookInboxOwner {
    const present = inboxes.get(path);
    if (present !== undefined) return present;
    const made = createWebhookInbox({
      url: `${server.url}${path}`,
      shared,
      verify,
      now: () => clock.now(),
      onDelivery: options.onDelivery ?? (() => {}),
    });
    inboxes.set(path, made);
    return made;
  }

  const app = createApp(ownerAt, clock);
  server.serve(async (request, exchange) => await app.fetch(request, exchange));

  async function close(): Promise<void> {
    for (const { close } of inboxes.values()) close();
    await server.close();
  }
  return {
    ...ownerAt("/").inbox,
    url: server.url,
    setSecret: (secret) => shared.secret = secret,
    respond: (handler) => shared.respond = handler,
    at: (path) => ownerAt(path).inbox,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createApp(
  ownerAt: (path: string) => WebhookInboxOwner,
  clock: Clock,
): Hono<{ Bindings: Exchange }> {
  const app = new Hono<{ Bindings: Exchange }>();
  app.all("*", async (c) => {
    const senderGone = c.req.raw.signal;
    const answer = await ownerAt(c.req.path).take({
      method: c.req.method,
      headers: c.req.raw.headers,
      body: await c.req.text(),
      senderGone: untilAborted(senderGone),
    });
    return await playAnswer(answer ?? REFUSE, { clock, senderGone, reset: () => c.env.reset() });
  });
  return app;
}
