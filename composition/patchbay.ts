import { untoldLength } from "../middleware/head_answers.ts";
import { createApp } from "../routes/mod.ts";
import type { Config } from "../services/config/config.ts";
import { createAgentGet } from "../services/contact_centre/rest/agent_get.ts";
import { createSessionLook } from "../services/contact_centre/rest/session_look.ts";
import type { DeliveryEngine } from "../services/delivery/engine.ts";
import type { Subscriber } from "../services/following/subscriber.ts";
import type { Publisher } from "../services/events/publisher.ts";
import { createIdempotency } from "../services/idempotency/idempotency.ts";
import { createFingerprints } from "../services/sealing/fingerprints.ts";
import { createSealer } from "../services/sealing/secrets.ts";
import { createContactCentreSessions } from "../services/sessions/contact_centre_sessions.ts";
import { createManagedSessions } from "../services/sessions/managed_sessions.ts";
import { createOwnReads } from "../services/sessions/own_reads.ts";
import { createSessionService, type SessionService } from "../services/sessions/sessions.ts";
import { createOptOutDesk } from "../services/sms/opt_out_desk.ts";
import { createOptOutRecords } from "../services/sms/opt_out_records.ts";
import { createPhoneNumbers } from "../services/sms/phone.ts";
import { createResolver } from "../services/sms/resolution.ts";
import { createIds } from "../services/support/ids.ts";
import type { LogValue } from "../services/support/log.ts";
import { createWebhookService } from "../services/webhooks/webhooks.ts";
import { VERSION } from "../version.ts";
import { composeAuth } from "./auth.ts";
import { composeDelivery } from "./delivery.ts";
import { createDrain } from "./drain.ts";
import { composeEgress } from "./egress.ts";
import type { Environment } from "./environment.ts";
import { createGuards } from "./guards.ts";
import { composeMetrics } from "./metrics.ts";
import { composePublisher } from "./publisher.ts";
import { composeSms, smsIngressOf } from "./sms.ts";
import { openStore } from "./store.ts";
import { composeSubscriber, degradedFollowing, workSignalsTo } from "./subscriber.ts";
import { composeUpstream } from "./upstream.ts";

/** A Patchbay that is built. It takes its requests from whoever listens for it. */
export interface ComposedPatchbay {
  fetch(request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>): Response | Promise<Response>;
  /** What the log tells of it when it starts. */
  readonly about: Readonly<Record<string, LogValue>>;
  /** Gets the keys, begins to deliver, and goes on with what an earlier process left. */
  start(): void;
  /**
   * Waits until what is under way has ended, gives leases back, closes the store; within `DRAIN_MS`.
   * `served` is to stop listening and to resolve once every request has its answer.
   */
  drain(served: () => Promise<void>): Promise<void>;
}

/**
 * Builds everything; nothing runs and nobody listens yet. The parts that wake each other (publisher and engine,
 * credentials and subscriber) do so by a function, because the later one is not built when the earlier one is.
 */
export async function composePatchbay(
  config: Config,
  environment: Environment,
): Promise<ComposedPatchbay> {
  const { log, clock } = environment;
  const ids = createIds();
  const { store, keys } = await openStore(config.store, log);
  const auth = composeAuth(config, environment, store);
  const sealer = createSealer(keys);

  let engine: DeliveryEngine | null = null;
  const wake = () => engine?.wake();
  const publisher = composePublisher({
    store,
    clock,
    ids,
    log,
    smsEnabled: config.sms !== null,
    onPublished: wake,
  });
  const egress = await composeEgress(config, environment);
  const webhooks = createWebhookService({
    store,
    publisher,
    sealer,
    judgeUrl: egress.guard.judgeUrl,
    clock,
    ids,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    log,
    retentionMs: config.store.eventRetentionMs,
    onDue: wake,
  });
  let subscriber: Subscriber | null = null;
  let sessions: SessionService | null = null;
  const hearing: Publisher = {
    ...publisher,
    async publishNotifications(notifications) {
      await sessions?.heard(notifications);
      return await publisher.publishNotifications(notifications);
    },
  };
  const upstreamParts = composeUpstream(config, environment, {
    records: store,
    sealer,
    onCredentialsChanged: async (agentId, where) =>
      await subscriber?.credentialsChanged(agentId, where),
  });
  const { upstream, vault } = upstreamParts;
  subscriber = await composeSubscriber(config, environment, {
    ...upstreamParts,
    store,
    publisher: hearing,
    ids,
  });
  const workSignals = workSignalsTo(subscriber);
  const numbers = createPhoneNumbers(config);
  const fingerprints = createFingerprints(keys);
  const ledger = createOptOutRecords({ records: store, clock });
  const sms = composeSms(config, environment, {
    store,
    publisher,
    ids,
    upstream,
    numbers,
    fingerprints,
    ledger,
    sealer,
  });
  const delivery = composeDelivery(config, environment, {
    store,
    publisher,
    webhooks,
    ids,
    sms,
    transport: egress.client.transport,
  });
  engine = delivery;
  const { timeoutMs: upstreamTimeoutMs } = config.upstream;
  const shared = { clock, ids, log, upstreamTimeoutMs };
  const { mode } = config.upstream.auth;
  const isShared = mode === "basic";
  const look = createSessionLook({ ask: createAgentGet({ upstream, ids }), isShared });
  sessions = createSessionService({
    ...shared,
    store,
    sealer,
    upstream,
    look,
    isShared,
    needsToken: mode === "forward",
    publisher,
    workSignals,
  });
  const idempotency = createIdempotency({ ...shared, records: store });

  const drain = createDrain({
    clock,
    log,
    drainMs: config.server.drainMs,
    sources: [delivery.stop, async () => await subscriber?.stop()],
    followUps: [
      sessions.settled,
      idempotency.settled,
      webhooks.stop,
      async () => await sms?.notices.settled(),
    ],
    async close() {
      upstreamParts.close();
      egress.client.close();
      await store.close();
    },
  });
  const app = createApp({
    guards: createGuards(config, auth.verifier, environment),
    sessions,
    managedSessions: createManagedSessions({ store, publisher, clock, log }),
    numbers,
    optOutDesk: createOptOutDesk({
      ledger,
      publisher,
      sealer,
      ids,
      clock,
      log,
      eventRetentionMs: config.store.eventRetentionMs,
    }),
    tokenDesk: auth.tokenDesk,
    idempotency,
    contactCentre: createContactCentreSessions({ upstream, workSignals }),
    ownReads: createOwnReads({ upstream, store, clock, isShared }),
    publisher: hearing,
    webhooks,
    vault,
    resolveText: createResolver({ store, publisher, clock, log }),
    store,
    clock,
    log,
    trustProxyHops: config.server.trustProxyHops,
    corsOrigins: config.server.corsOrigins,
    httpsOnly: config.server.publicUrl?.url.protocol === "https:",
    notificationsToken: config.notificationsToken,
    smsIngress: smsIngressOf(sms),
    media: sms?.media ?? null,
    metrics: composeMetrics(subscriber, sms),
    metricsToken: config.metricsToken,
    health: {
      keysLoaded: auth.keysLoaded,
      draining: drain.hasBegun,
      degraded: () => ({
        ...auth.degraded(),
        ...sms?.degraded(),
        ...degradedFollowing(subscriber),
      }),
    },
    onDue: wake,
  });

  return {
    fetch: untoldLength(app.fetch),
    about: {
      version: VERSION,
      store: config.store.engine.kind,
      sms: config.sms !== null,
      ingress: config.notificationsToken !== null,
    },
    start() {
      auth.warm();
      delivery.start();
      sessions?.start();
      subscriber?.start();
      void webhooks.resume();
    },
    drain: drain.run,
  };
}
