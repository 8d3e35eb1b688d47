import { type Clock, pause, systemClock } from "../../services/support/clock.ts";
import { createFaultQueue } from "../kit/faults.ts";
import { createInbox } from "../kit/inbox.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import { listenAgain } from "../kit/restartable_server.ts";
import type { ListenOptions, Random } from "../kit/simulator.ts";
import { type AgentCredentials, createAgentDirectory } from "./agents.ts";
import { createApp } from "./app.ts";
import { type AgentOf, believedAgent } from "./auth.ts";
import type { Call } from "./call_log.ts";
import { createCometd } from "./cometd.ts";
import type { CometdOptions } from "./cometd_view.ts";
import type { ContactCentre } from "./contact_centre.ts";
import { createControl } from "./control.ts";
import { controlRoutes } from "./control_routes.ts";
import { createCounters } from "./counts.ts";
import { addDocumentedSessions, readDocumentedAccept } from "./documented_accept.ts";
import { createHttpSessions } from "./http_sessions.ts";
import type { CsrfOptions } from "./identify.ts";
import type { Centre } from "./model.ts";
import { createNotifier, type Ingress, type Notify } from "./notifier.ts";
import type { RefusalHttpStatus } from "./refusals.ts";
import type { TimestampStyle } from "./timestamps.ts";

export interface ContactCentreOptions extends ListenOptions {
  /** Everything's but CometD's, which runs in real time. */
  readonly clock?: Clock;
  readonly random?: Random;
  /** Sends the notifications to the ingress. */
  readonly fetch?: typeof fetch;
  /** Only these are let in, with their passwords; unless told otherwise, anybody is. */
  readonly agents?: readonly AgentCredentials[];
  /** Who calls; by default what the token or the Basic credentials say, unverified. */
  readonly agentOf?: AgentOf;
  /** Whether writes need the CSRF token; off unless told otherwise. */
  readonly csrf?: boolean | CsrfOptions;
  /** How long an HTTP session (`JSESSIONID`) lives unused; 1800000 unless told otherwise. */
  readonly httpSessionIdleMs?: number;
  readonly cometd?: CometdOptions;
  /** `mapped` unless told otherwise. */
  readonly refusalHttpStatus?: RefusalHttpStatus;
  /** Reads members and operations in any case, and with blanks around them, as an upstream may. False by default. */
  readonly lenientNames?: boolean;
  readonly timestamps?: Partial<TimestampStyle>;
  /**
   * True: every Accept is let in. A session that nobody has added appears, one that is over or somebody else's is offered
   * to whoever asks. False by default.
   */
  readonly acceptsAny?: boolean;
  /** Where SetDisposition writes when it names no key; `DISP_KEY` unless told otherwise. */
  readonly dispositionKey?: string;
  readonly version?: string;
  /** Receives every notification, in order, before CometD and the ingress do. */
  readonly notify?: Notify;
  /** Posts every notification, in order, one at a time, beside CometD. */
  readonly ingress?: Ingress;
  /** True: `/control/…` pulls its strings over HTTP (docs/simulator.md). Off unless told otherwise. */
  readonly control?: boolean;
  /** Sees each request as it arrives. */
  readonly onRequest?: (request: RecordedRequest) => void;
}

/** Starts a simulated contact centre on loopback: the SMS Session API of Web Services 8.5.2, all in memory. */
export async function startContactCentre(
  options: ContactCentreOptions = {},
): Promise<ContactCentre> {
  const { clock = systemClock, random = Math.random } = options;
  const requests = createInbox("request", { onAdd: options.onRequest });
  const calls = createInbox<Call>("call", {
    describe: ({ agentId, method, path, operations, status }) =>
      `${agentId ?? "nobody"}: ${method} ${path} ${operations.join(" ")} ${status ?? "no answer"}`,
  });
  const faults = createFaultQueue();
  const counters = createCounters();
  const directory = createAgentDirectory({
    agents: options.agents,
    readAgent: options.agentOf ?? believedAgent,
    clock,
  });
  const httpSessions = createHttpSessions({
    clock,
    random,
    idleMs: options.httpSessionIdleMs ?? 1_800_000,
  });
  const server = await listenAgain(options);
  const cometd = createCometd(options.cometd ?? {}, counters);
  const notifier = createNotifier({
    async notify(notification, to) {
      await options.notify?.(notification, to);
      cometd.tell({ ...to, data: notification });
    },
    ingress: options.ingress,
    clock,
    fetch: options.fetch ?? fetch,
  });
  const centre = createCentre(options, clock, server.url);
  const control = createControl(centre, notifier);
  async function stop(): Promise<void> {
    await server.stop();
    httpSessions.drop();
    cometd.drop();
  }
  const closed = new AbortController();
  async function close(): Promise<void> {
    closed.abort();
    requests.close();
    calls.close();
    await server.close();
    cometd.close();
    await notifier.close();
  }
  const contactCentre: ContactCentre = {
    ...control,
    // Spreading reads a getter once and for all.
    get sessions() {
      return control.sessions;
    },
    url: server.url,
    requests,
    calls,
    faults,
    cometd,
    addAgent: directory.add,
    counts: counters.counts,
    denyAgents: directory.deny,
    dropCometdSessions: cometd.drop,
    endCometdSessions: cometd.end,
    dropHttpSessions: httpSessions.drop,
    stop,
    async restart({ downMs = 0 } = {}) {
      await stop();
      if (downMs > 0) await pause(clock, downMs, closed.signal);
      await server.start();
    },
    idle: () => notifier.idle(),
    undelivered: notifier.undelivered,
    async playDocumentedAccept(samplesDir, { customerPhone = "+12025550123" } = {}) {
      const sample = await readDocumentedAccept(samplesDir);
      addDocumentedSessions(centre, sample, { customerPhone });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  const app = createApp({
    centre,
    control: options.control === true ? controlRoutes(contactCentre) : null,
    notifier,
    requests,
    calls,
    faults,
    clock,
    directory,
    httpSessions,
    counters,
    cometd,
    handshakeRefusal: options.cometd?.handshakeRefusal ?? "http",
    csrf: readCsrf(options.csrf),
    refusalHttpStatus: options.refusalHttpStatus ?? "mapped",
    lenientNames: options.lenientNames ?? false,
    version: options.version ?? "8.5.200.50",
  });
  server.serve(async (request, exchange) => await app.fetch(request, exchange));
  return contactCentre;
}

function readCsrf(wanted: boolean | CsrfOptions = false): CsrfOptions | null {
  if (typeof wanted === "object") return wanted;
  return wanted ? {} : null;
}

function createCentre(options: ContactCentreOptions, clock: Clock, baseUrl: string): Centre {
  return {
    clock,
    random: options.random ?? Math.random,
    timestamps: { separator: "space", offsetMinutes: 0, ...options.timestamps },
    baseUrl,
    acceptsAny: options.acceptsAny ?? false,
    dispositionKey: options.dispositionKey ?? "DISP_KEY",
    sessions: new Map(),
    loggedIn: new Map(),
    nextReferenceId: 1,
    failures: [],
  };
}
