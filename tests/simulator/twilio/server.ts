import { type Clock, systemClock } from "../../../services/clock.ts";
import { createFaultQueue } from "../kit/faults.ts";
import { createInbox, type Inbox, type WaitOptions } from "../kit/inbox.ts";
import { listenOnLoopback } from "../kit/loopback_server.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { ListenOptions, Random, Simulator } from "../kit/simulator.ts";
import { createApp } from "./app.ts";
import { createTwilioFaults, type TwilioFaults } from "./fault_presets.ts";
import type { TwilioMessage } from "./message.ts";

export interface TwilioOptions extends ListenOptions {
  /** `AC` and 32 hexadecimal digits. */
  readonly accountSid?: string;
  readonly authToken?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Sees each message as it is taken. */
  readonly onMessage?: (message: TwilioMessage) => void;
}

/** A running Twilio. */
export interface Twilio extends Simulator {
  readonly accountSid: string;
  readonly authToken: string;
  /** The messages that were taken, oldest first. */
  readonly messages: readonly TwilioMessage[];
  /** The nth message that was taken, counted from 1; rejects when it does not come in time. */
  received(n: number, options?: WaitOptions): Promise<TwilioMessage>;
  /** Every request that came, refused and failed ones included. */
  readonly requests: Inbox<RecordedRequest>;
  readonly faults: TwilioFaults;
}

/**
 * Starts a simulated Twilio on loopback: sending, listing and reading messages, with the magic numbers of Twilio's
 * test credentials. Status callbacks and inbound messages would come in as further modules beside `app.ts`, fed by the
 * `messages` inbox.
 */
export async function startTwilio(options: TwilioOptions = {}): Promise<Twilio> {
  const {
    accountSid = "AC00000000000000000000000000000000",
    authToken = "simulated-auth-token",
    clock = systemClock,
    random = Math.random,
  } = options;
  const requests = createInbox<RecordedRequest>("request");
  const messages = createInbox("message", options.onMessage);
  const faults = createFaultQueue();
  const app = createApp({ accountSid, authToken, requests, messages, faults, clock, random });
  const server = await listenOnLoopback(options);
  server.serve(async (request, exchange) => await app.fetch(request, exchange));

  async function close(): Promise<void> {
    requests.close();
    messages.close();
    await server.close();
  }
  return {
    url: server.url,
    accountSid,
    authToken,
    messages: messages.items,
    received: messages.received,
    requests,
    faults: createTwilioFaults(faults),
    close,
    [Symbol.asyncDispose]: close,
  };
}
