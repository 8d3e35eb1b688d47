import { type Clock, systemClock } from "../../services/support/clock.ts";
import { createFaultQueue } from "../kit/faults.ts";
import { createInbox } from "../kit/inbox.ts";
import { listenOnLoopback } from "../kit/loopback_server.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { ListenOptions, Random } from "../kit/simulator.ts";
import { createApp } from "./app.ts";
import { controlRoutes } from "./control_routes.ts";
import type { OnCreate } from "./create_attempt.ts";
import { createTwilioFaults } from "./fault_presets.ts";
import { withChance } from "./fault_rates.ts";
import { createHookCaller, type HookCall } from "./hook_caller.ts";
import { createInbound, type CustomerReply } from "./inbound.ts";
import { createMediaShelf } from "./media_shelf.ts";
import type { TwilioMessage } from "./message.ts";
import { createOptOutBook } from "./opt_out_book.ts";
import { DEFAULT_SETTINGS, type TwilioSettings } from "./settings.ts";
import type { WalkOptions } from "./status_walk.ts";
import type { Twilio } from "./twilio.ts";
import { createWalker } from "./walker.ts";

export interface TwilioOptions extends ListenOptions, Partial<TwilioSettings> {
  /** `AC` and 32 hexadecimal digits. */
  readonly accountSid?: string;
  readonly authToken?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** How long after its creation a message shows in the list, as the real list is eventually consistent. Default 0. */
  readonly listLagMs?: number;
  /** How messages get on; null, the default: they stay as they were taken, and nothing is told. */
  readonly walk?: WalkOptions | null;
  /** Sees each create that nothing is wrong with and may answer it in the place of Twilio. */
  readonly onCreate?: OnCreate;
  /** True: `/control/…` pulls the strings over HTTP (docs/simulator_twilio.md). Off unless told otherwise. */
  readonly control?: boolean;
  /** Sees each message as it is taken. */
  readonly onMessage?: (message: TwilioMessage) => void;
  /** Sees each request to a webhook when it has ended. */
  readonly onHook?: (call: HookCall) => void;
  /** Sees each text that goes to a customer without having been created by the API. */
  readonly onReply?: (reply: CustomerReply) => void;
}

/**
 * Starts a simulated Twilio on loopback: messages with the magic numbers of Twilio's test credentials, their statuses and
 * signed status callbacks, signed inbound texts, opt-outs, the list, and faults. It calls webhooks on this machine alone.
 */
export async function startTwilio(options: TwilioOptions = {}): Promise<Twilio> {
  const {
    accountSid = "AC00000000000000000000000000000000",
    authToken = "simulated-auth-token",
    clock = systemClock,
    random = Math.random,
    listLagMs = 0,
  } = options;
  let settings: TwilioSettings = { ...DEFAULT_SETTINGS, ...options };
  const requests = createInbox<RecordedRequest>("request");
  const messages = createInbox("message", { onAdd: options.onMessage });
  const texts = createInbox<TwilioMessage>("text");
  const replies = createInbox("reply", { onAdd: options.onReply });
  const hooks = createInbox("webhook request", { onAdd: options.onHook });
  const closed = new AbortController();
  const queue = createFaultQueue();
  const faults = createTwilioFaults(queue);
  const optOuts = createOptOutBook(() => settings.advancedOptOut);
  const callHook = createHookCaller({
    authToken: () => settings.signingToken ?? authToken,
    reach: () => new Map(Object.entries(settings.reach)),
    clock,
    closed: closed.signal,
    onCall: hooks.add,
  });
  const walker = createWalker({
    accountSid,
    walk: options.walk ?? null,
    serviceNumber: () => settings.ownNumber,
    callHook,
    find: (wanted) => messages.items.find(({ sid }) => sid === wanted),
    clock,
    random,
    closed: closed.signal,
  });
  const server = await listenOnLoopback(options);
  const media = createMediaShelf({ url: server.url, accountSid, random });
  const textIn = createInbound({
    accountSid,
    settings: () => settings,
    book: optOuts,
    shelf: media,
    texts,
    replies,
    callHook,
    clock,
    random,
  });

  async function close(): Promise<void> {
    closed.abort();
    for (const inbox of [requests, messages, texts, replies, hooks]) inbox.close();
    await server.close();
    await walker.idle();
  }
  const twilio: Twilio = {
    url: server.url,
    accountSid,
    authToken,
    messages: messages.items,
    received: messages.received,
    textIn,
    texts,
    replies,
    hooks,
    media,
    walks: walker,
    optOuts,
    configure: (changes) => void (settings = { ...settings, ...changes }),
    requests,
    faults,
    close,
    [Symbol.asyncDispose]: close,
  };
  const app = createApp({
    accountSid,
    authToken,
    requests,
    messages,
    texts,
    media,
    optOuts,
    walker,
    onCreate: options.onCreate ?? (() => null),
    control: options.control === true ? controlRoutes(twilio) : null,
    faults: withChance({ queue, faults, rates: () => settings.faultRates, random }),
    clock,
    random,
    listLagMs,
  });
  server.serve(async (request, exchange) => await app.fetch(request, exchange));
  return twilio;
}
