import { composeDelivery } from "./composition/delivery.ts";
import type { Environment } from "./composition/environment.ts";
import { createGuards } from "./composition/guards.ts";
import { composeMetrics } from "./composition/metrics.ts";
import { composeSms } from "./composition/sms.ts";
import { composeSubscriber, presenceFor } from "./composition/subscriber.ts";
import { composeUpstream } from "./composition/upstream.ts";
import { type ComposedPatchbay, type Patchbay, runProgram, urlOf } from "./program.ts";
import { createApp } from "./routes/mod.ts";
import { createRemoteKeySet, type KeySet } from "./services/auth/key_set.ts";
import { createStaticKeySet } from "./services/auth/static_key_set.ts";
import { createTokenVerifier } from "./services/auth/token_verifier.ts";
import type { Clock } from "./services/support/clock.ts";
import type { Config } from "./services/config/config.ts";
import type { DeliveryEngine } from "./services/delivery/engine.ts";
import { judgeWebhookUrl, parseEgressAllow } from "./services/egress/egress.ts";
import { createIdempotency } from "./services/idempotency/idempotency.ts";
import { createIds } from "./services/support/ids.ts";
import { composePublisher } from "./composition/publisher.ts";
import { createSealer } from "./services/sealing/secrets.ts";
import { createContactCentreSessions } from "./services/sessions/contact_centre_sessions.ts";
import { createSessionService } from "./services/sessions/sessions.ts";
import { openStore } from "./services/store/open.ts";
import type { Subscriber } from "./services/following/subscriber.ts";
import { createWebhookService } from "./services/webhooks/webhooks.ts";
import { VERSION } from "./version.ts";

export type { Patchbay };

/** Builds a Patchbay and listens. */
export async function startPatchbay(config: Config, environment: Environment): Promise<Patchbay> {
  const patchbay = await composePatchbay(config, environment);
  const { host, port } = config.server;
  const server = Deno.serve({ hostname: host, port, onListen: () => {} }, patchbay.fetch);
  patchbay.start();
  const url = urlOf(host, server.addr.port);
  environment.log.info("patchbay.listening", { url, ...patchbay.about });
  return { url, drain: () => patchbay.drain(() => server.shutdown()) };
}

/** Builds everything; nothing runs and nobody listens yet. */
export async function composePatchbay(
  config: Config,
  environment: Environment,
): Promise<ComposedPatchbay> {
  const { log, clock, fetch } = environment;
  const ids = createIds();
  const { store, encryptionKey } = await openStore(config.store);
  const keySet = config.jwt.keys.kind === "remote"
    ? createRemoteKeySet({ url: config.jwt.keys.url, fetch, clock, log })
    : await createStaticKeySet(config.jwt.keys.untrustedText, config.jwt.algorithms);
  // The listener does not wait for the issuer: until the keys are there, /readyz says so.
  void keySet.warm();

  const sealer = createSealer([encryptionKey, ...config.store.retiredEncryptionKeys]);
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
  const egressAllow = await parseEgressAllow(config.webhooks.egressAllow);
  const webhooks = createWebhookService({
    registry: store,
    outbox: store,
    publisher,
    sealer,
    judgeUrl: (untrustedUrl) => judgeWebhookUrl(untrustedUrl, egressAllow),
    clock,
    ids,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    log,
    retentionMs: config.store.eventRetentionMs,
    onDue: wake,
  });
  let subscriber: Subscriber | null = null;
  const upstreamParts = composeUpstream(config, environment, {
    records: store,
    sealer,
    onCredentialsChanged: (agentId) => subscriber?.credentialsChanged(agentId),
  });
  const { upstream, vault } = upstreamParts;
  subscriber = await composeSubscriber(config, environment, {
    ...upstreamParts,
    store,
    publisher,
    ids,
  });
  const presence = presenceFor(subscriber);
  const sms = composeSms(config, environment, { store, publisher, ids, upstream });
  const delivery = composeDelivery(config, environment, { store, publisher, webhooks, ids, sms });
  engine = delivery;
  const sessions = createSessionService({
    store,
    upstream,
    publisher,
    clock,
    ids,
    log,
    upstreamTimeoutMs: config.upstream.timeoutMs,
    presence,
  });
  const idempotency = createIdempotency({
    records: store,
    clock,
    ids,
    log,
    upstreamTimeoutMs: config.upstream.timeoutMs,
  });
  let draining = false;
  const app = createApp({
    guards: createGuards(config, createTokenVerifier({ keySet, policy: config.jwt, clock }), clock),
    sessions,
    idempotency,
    contactCentre: createContactCentreSessions({ upstream, presence }),
    upstream,
    publisher,
    webhooks,
    vault,
    store,
    clock,
    log,
    trustProxyHops: config.server.trustProxyHops,
    notificationsToken: config.notificationsToken,
    twilio: sms?.ingress ?? null,
    metrics: composeMetrics(subscriber, sms),
    health: {
      keysLoaded: () => hasKeys(keySet),
      draining: () => draining,
      degraded: () => sms?.degraded() ?? {},
    },
    onDue: wake,
  });

  let drained: Promise<void> | null = null;
  async function drain(served: () => Promise<void>): Promise<void> {
    draining = true;
    const startedAtMs = clock.now();
    const left = () => Math.max(0, config.server.drainMs - (clock.now() - startedAtMs));
    log.info("patchbay.draining", { withinMs: config.server.drainMs });
    await Promise.all([
      withinTime(clock, left(), served()),
      withinTime(clock, left(), delivery.stop(left())),
      withinTime(clock, left(), subscriber?.stop() ?? Promise.resolve()),
    ]);
    await withinTime(
      clock,
      left(),
      Promise.all([
        sessions.settled(),
        idempotency.settled(),
        webhooks.stop(),
        sms?.notices.settled(),
      ]),
    );
    upstreamParts.close();
    await store.close();
    log.info("patchbay.stopped", { afterMs: clock.now() - startedAtMs });
  }

  return {
    fetch: app.fetch,
    about: {
      version: VERSION,
      store: config.store.engine.kind,
      sms: config.sms !== null,
      ingress: config.notificationsToken !== null,
    },
    start() {
      delivery.start();
      subscriber?.start();
      void webhooks.resume();
    },
    drain(served) {
      drained ??= drain(served);
      return drained;
    },
  };
}

/** Without keys no token comes through to make the key set try again, so whoever asks for readiness does. */
function hasKeys(keySet: KeySet): boolean {
  const { loaded } = keySet.state();
  if (!loaded) void keySet.warm();
  return loaded;
}

/** Resolves with `work`, or after `ms` without it. */
async function withinTime(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: timeUp, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  await Promise.race([work, timeUp]);
  timer.cancel();
}

if (import.meta.main) await runProgram(startPatchbay);
