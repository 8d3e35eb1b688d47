import { type Clock, systemClock } from "../../../services/clock.ts";
import { createFaultQueue, type Faults } from "../kit/faults.ts";
import { createInbox, type Inbox } from "../kit/inbox.ts";
import { listenOnLoopback } from "../kit/loopback_server.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { ListenOptions, Random, Simulator } from "../kit/simulator.ts";
import { createApp } from "./app.ts";
import { type AgentOf, believedAgent } from "./auth.ts";
import { type Control, createControl } from "./control.ts";
import { addDocumentedSessions, readDocumentedAccept } from "./documented_accept.ts";
import type { Centre } from "./model.ts";
import { createNotifier, type Ingress, type Notify, type Undelivered } from "./notifier.ts";
import type { RefusalHttpStatus } from "./refusals.ts";
import type { TimestampStyle } from "./timestamps.ts";

export interface ContactCentreOptions extends ListenOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Sends the notifications to the ingress. */
  readonly fetch?: typeof fetch;
  /** Who calls; by default what the token or the Basic credentials say, unverified. */
  readonly agentOf?: AgentOf;
  /** `mapped` unless told otherwise. */
  readonly refusalHttpStatus?: RefusalHttpStatus;
  readonly timestamps?: Partial<TimestampStyle>;
  /** Where SetDisposition writes when it names no key; `DISP_KEY` unless told otherwise. */
  readonly dispositionKey?: string;
  readonly version?: string;
  /** Receives every notification, in order, before the ingress does. */
  readonly notify?: Notify;
  /** Posts every notification, in order, one at a time. */
  readonly ingress?: Ingress;
  /** Sees each request as it arrives. */
  readonly onRequest?: (request: RecordedRequest) => void;
}

/** A running contact centre. */
export interface ContactCentre extends Simulator, Control {
  /** Every request that came, refused and failed ones included. */
  readonly requests: Inbox<RecordedRequest>;
  readonly faults: Faults;
  /** Resolves once every notification so far has been delivered or given up. */
  idle(): Promise<void>;
  /** Notifications that were given up. */
  readonly undelivered: readonly Undelivered[];
  /**
   * Adds the two sessions of the documented Accept sample (tests/fixtures/seed). Accept of `0071023821aec011` then
   * answers and notifies value for value as published, and the agent is in `0000Na9B26EF002X` from there on.
   */
  playDocumentedAccept(
    fixturesDir: string,
    options?: { readonly customerPhone?: string },
  ): Promise<void>;
}

/** Starts a simulated contact centre on loopback: the SMS Session API of Web Services 8.5.2, all in memory. */
export async function startContactCentre(
  options: ContactCentreOptions = {},
): Promise<ContactCentre> {
  const { clock = systemClock } = options;
  const requests = createInbox("request", options.onRequest);
  const faults = createFaultQueue();
  const notifier = createNotifier({
    notify: options.notify,
    ingress: options.ingress,
    clock,
    fetch: options.fetch ?? fetch,
  });
  const server = await listenOnLoopback(options);
  const centre = createCentre(options, clock, server.url);
  const app = createApp({
    centre,
    notifier,
    requests,
    faults,
    clock,
    agentOf: options.agentOf ?? believedAgent,
    refusalHttpStatus: options.refusalHttpStatus ?? "mapped",
    version: options.version ?? "8.5.200.50",
  });
  server.serve(async (request, exchange) => await app.fetch(request, exchange));

  const control = createControl(centre, notifier);
  async function close(): Promise<void> {
    requests.close();
    await server.close();
    await notifier.close();
  }
  return {
    ...control,
    // Spreading reads a getter once and for all.
    get sessions() {
      return control.sessions;
    },
    url: server.url,
    requests,
    faults,
    idle: () => notifier.idle(),
    undelivered: notifier.undelivered,
    async playDocumentedAccept(fixturesDir, { customerPhone = "+12025550123" } = {}) {
      const sample = await readDocumentedAccept(fixturesDir);
      addDocumentedSessions(centre, sample, { customerPhone });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createCentre(options: ContactCentreOptions, clock: Clock, baseUrl: string): Centre {
  return {
    clock,
    random: options.random ?? Math.random,
    timestamps: { separator: "space", offsetMinutes: 0, ...options.timestamps },
    baseUrl,
    dispositionKey: options.dispositionKey ?? "DISP_KEY",
    sessions: new Map(),
    loggedIn: new Map(),
    nextReferenceId: 1,
  };
}
