import type { CometD, Message } from "cometd";
import type { Timer } from "../../support/clock.ts";
import type { ClientTimers } from "./client_timers.ts";
import type { PollFailure } from "./poll_transport.ts";
import type { ClientPlan } from "./session_end.ts";

/** A reply as the client gives it to those who asked, or in its place why there is none. */
export type ClientReply = Message & { readonly failure?: PollFailure };

export interface ClientOverrides {
  readonly timers: ClientTimers;
  /** Called for a handshake or a connect that did not succeed. False: the session has ended by it. */
  readonly shouldRetry: (reply: ClientReply, plan: ClientPlan) => boolean;
  /** In [0, 1). */
  readonly random: () => number;
}

/** What the client passes to its `onTransportFailure` besides the message, and takes back as its next action. */
interface FailureInfo extends ClientPlan {
  action: string;
}

/**
 * Members that the package has and its types leave out. Its own documentation calls `onTransportFailure` the place
 * for a policy of one's own.
 */
interface ClientInternals {
  setTimeout(run: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer | null): void;
  onTransportFailure(
    message: ClientReply,
    info: FailureInfo,
    handle: (info: FailureInfo) => void,
  ): void;
  _warn(): void;
  _info(): void;
  _debug(): void;
}

/** The client's own back-off grows by this much with every failure, spread by half of it to either side. */
const BACK_OFF_INCREMENT_MS = 1_000;

/** Puts our own timers, failure policy and silence in place of the client's. */
export function overrideClient(
  client: CometD,
  { timers, shouldRetry, random }: ClientOverrides,
): void {
  const onTransportFailure: ClientInternals["onTransportFailure"] = Reflect.get(
    client,
    "onTransportFailure",
  );
  const internals: ClientInternals = {
    setTimeout: timers.set,
    clearTimeout: timers.clear,
    onTransportFailure(message, info, handle) {
      if (!shouldRetry(message, info)) return handle({ action: "none" });
      client.setBackoffIncrement(BACK_OFF_INCREMENT_MS * (0.5 + random()));
      onTransportFailure.call(client, message, info, handle);
    },
    // The client would write messages, and with them what customers wrote, to the console.
    _warn() {},
    _info() {},
    _debug() {},
  };
  Object.assign(client, internals);
}
