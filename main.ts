import { lookup } from "node:dns/promises";
import { every } from "hono/combine";
import { requireAgent, requireScope } from "./middleware/agent_auth.ts";
import type { RouteGuards } from "./middleware/app_env.ts";
import { jsonBody } from "./middleware/json_body.ts";
import { rateLimitPerAgent } from "./middleware/rate_limit.ts";
import { createApp } from "./routes/mod.ts";
import { type Clock, systemClock } from "./services/clock.ts";
import { type Config, readConfig } from "./services/config.ts";
import { createDeliveryEngine, type DeliveryEngine } from "./services/delivery/engine.ts";
import { createHostAddresses } from "./services/delivery/host_addresses.ts";
import { createGovernor, type SinkSettings } from "./services/delivery/governor.ts";
import { createSettler } from "./services/delivery/settler.ts";
import { createSigner } from "./services/delivery/signing.ts";
import type { Sink } from "./services/delivery/sink.ts";
import { createWebhookSink } from "./services/delivery/webhook_sink.ts";
import { judgeWebhookUrl, parseEgressAllow } from "./services/egress/egress.ts";
import { StoreUnavailable } from "./services/errors.ts";
import { createIds } from "./services/ids.ts";
import { createRemoteKeySet, type KeySet } from "./services/auth/key_set.ts";
import { createLogger, type Logger } from "./services/log.ts";
import { createPublisher } from "./services/publisher.ts";
import { MissingKeyFile, UnusableKeyFile } from "./services/sealing/key_file.ts";
import { createSealer } from "./services/sealing/secrets.ts";
import { createSessionService } from "./services/sessions/sessions.ts";
import { createSmsSink } from "./services/sms/sms_sink.ts";
import { createTwilioSender } from "./services/sms/twilio_client.ts";
import { createStaticKeySet } from "./services/auth/static_key_set.ts";
import { openStore } from "./services/store/open.ts";
import { SMS_SINK } from "./services/store/port.ts";
import { createTokenVerifier } from "./services/auth/token_verifier.ts";
import { createUpstream } from "./services/upstream/upstream.ts";
import { deliveryRate } from "./services/webhooks/rate.ts";
import { createWebhookService, type WebhookService } from "./services/webhooks/webhooks.ts";

export const VERSION = "0.1.0";

/** sysexits(3): EX_USAGE and EX_UNAVAILABLE. */
const EX_USAGE = 64;
const EX_UNAVAILABLE = 69;

/** Exit status for a configuration that cannot be used: sysexits(3) EX_CONFIG. */
const EX_CONFIG = 78;

/** What the program is built from besides its configuration; tests hand in their own. */
export interface Environment {
  readonly log: Logger;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly fetch: typeof fetch;
}

/** A Patchbay that listens. */
export interface Patchbay {
  /** Where it listens; with `PORT=0` this tells the port. */
  readonly url: string;
  /** Takes no more requests, finishes what is under way within `DRAIN_MS`, gives leases back, closes the store. */
  drain(): Promise<void>;
}

/** Builds everything, listens, and carries on with the deliveries that an earlier process left. */
export async function startPatchbay(config: Config, environment: Environment): Promise<Patchbay> {
  const { log, clock, fetch } = environment;
  const ids = createIds();
  const { store, encryptionKey } = await openStore(config.store);
  const keySet = config.jwt.keys.kind === "remote"
    ? createRemoteKeySet({ url: config.jwt.keys.url, fetch, clock, log })
    : await createStaticKeySet(config.jwt.keys.untrustedText, config.jwt.algorithms);
  // The listener does not wait for the issuer: until the keys are there, /readyz says so.
  void keySet.warm();

  let engine: DeliveryEngine | null = null;
  const wake = () => engine?.wake();
  const publisher = createPublisher({
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
    sealer: createSealer(encryptionKey),
    judgeUrl: (untrustedUrl) => judgeWebhookUrl(untrustedUrl, egressAllow),
    clock,
    ids,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    log,
    retentionMs: config.store.eventRetentionMs,
    onDue: wake,
  });
  const concurrencyPerSink = 10;
  const leaseMs = config.webhooks.timeoutMs + 15_000;
  engine = createDeliveryEngine({
    ...environment,
    outbox: store,
    settler: createSettler({
      outbox: store,
      publisher,
      clock,
      log,
      onFailing: (sinks) => void webhooks.noteFailing(sinks),
    }),
    governor: createGovernor({
      settings: () => settingsOf(webhooks),
      clock,
      log,
      concurrencyPerSink,
    }),
    concurrencyPerSink,
    onSweep: () => void webhooks.resumeStale(),
    sinkFor: createSinks(config, webhooks, environment),
    ids,
    leaseMs,
  });

  const upstream = createUpstream({
    ...config.upstream,
    tracedByPlatform: config.tracedByPlatform,
    fetch,
    clock,
  });
  const sessions = createSessionService({
    store,
    upstream,
    publisher,
    clock,
    ids,
    log,
    upstreamTimeoutMs: config.upstream.timeoutMs,
  });
  let draining = false;
  const app = createApp({
    guards: createGuards(config, createTokenVerifier({ keySet, policy: config.jwt, clock }), clock),
    sessions,
    upstream,
    publisher,
    webhooks,
    store,
    clock,
    log,
    trustProxyHops: config.server.trustProxyHops,
    notificationsToken: config.notificationsToken,
    health: { keysLoaded: () => hasKeys(keySet), draining: () => draining },
    onDue: wake,
  });

  const server = Deno.serve(
    { hostname: config.server.host, port: config.server.port, onListen: () => {} },
    app.fetch,
  );
  engine.start();
  void webhooks.resume();
  const shownHost = config.server.host === "0.0.0.0" ? "127.0.0.1" : config.server.host;
  const url = `http://${shownHost}:${server.addr.port}`;
  log.info("patchbay.listening", {
    url,
    version: VERSION,
    store: config.store.engine.kind,
    sms: config.sms !== null,
    ingress: config.notificationsToken !== null,
  });

  return {
    url,
    async drain() {
      draining = true;
      const startedAtMs = clock.now();
      const left = () => Math.max(0, config.server.drainMs - (clock.now() - startedAtMs));
      log.info("patchbay.draining", { withinMs: config.server.drainMs });
      await Promise.all([
        withinTime(clock, left(), server.shutdown()),
        withinTime(clock, left(), engine.stop(left())),
      ]);
      await withinTime(clock, left(), Promise.all([sessions.settled(), webhooks.stop()]));
      await store.close();
      log.info("patchbay.stopped", { afterMs: clock.now() - startedAtMs });
    },
  };
}

async function addressOf(host: string): Promise<string> {
  return (await lookup(host)).address;
}

/** What each webhook asks of deliveries to it. */
async function settingsOf(webhooks: WebhookService): Promise<SinkSettings[]> {
  const all = await webhooks.all();
  return all.map((webhook) => ({
    sinkId: webhook.id,
    concurrency: webhook.concurrency,
    rate: deliveryRate(webhook),
  }));
}

/** Without keys no token comes through to make the key set try again, so whoever asks for readiness does. */
function hasKeys(keySet: KeySet): boolean {
  const { loaded } = keySet.state();
  if (!loaded) void keySet.warm();
  return loaded;
}

/** All webhooks share one sink; the customer's phone is another, and there only with SMS configured. */
function createSinks(
  config: Config,
  webhooks: WebhookService,
  environment: Environment,
): (sinkId: string) => Sink {
  const webhookSink = createWebhookSink({
    ...environment,
    webhooks,
    readCredentials: webhooks.readCredentials,
    signer: createSigner(),
    addresses: createHostAddresses({ resolve: addressOf, clock: environment.clock }),
    timeoutMs: config.webhooks.timeoutMs,
    retryWaitsMs: config.webhooks.retryWaitsMs,
    version: VERSION,
  });
  if (config.sms === null) return () => webhookSink;
  const { sender } = config.sms;
  const smsSink = createSmsSink({
    ...environment,
    twilio: createTwilioSender({
      ...config.sms,
      timeoutMs: config.webhooks.timeoutMs,
      fetch: environment.fetch,
    }),
    defaultSender: sender,
    retryWaitsMs: config.webhooks.retryWaitsMs,
  });
  return (sinkId) => sinkId === SMS_SINK ? smsSink : webhookSink;
}

function createGuards(
  config: Config,
  verifier: Parameters<typeof requireAgent>[0]["verifier"],
  clock: Clock,
): RouteGuards {
  const verified = requireAgent({ verifier });
  const limited = config.rateLimit === null
    ? null
    : rateLimitPerAgent({ ...config.rateLimit, clock });
  return {
    agent: (scope) => every(verified, requireScope(scope), ...(limited === null ? [] : [limited])),
    jsonBody,
  };
}

/** Resolves with `work`, or after `ms` without it. */
async function withinTime(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: timeUp, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  await Promise.race([work, timeUp]);
  timer.cancel();
}

const HELP =
  `Patchbay ${VERSION}: an edge proxy and webhook bridge for a contact centre's SMS sessions.

  deno run --allow-all --env-file main.ts

It takes no options: the environment configures it, .env.example lists every variable, README.md explains them.
To try it without any set-up: deno task dev`;

async function main(): Promise<void> {
  if (Deno.args.length > 0) {
    // deno-lint-ignore no-console
    console.log(HELP);
    Deno.exit(Deno.args.some((arg) => arg === "--help" || arg === "-h") ? 0 : EX_USAGE);
  }
  const reading = readConfig(Deno.env.toObject());
  if (!reading.ok) {
    // deno-lint-ignore no-console
    for (const line of [...reading.faults, ...reading.notes]) console.error(line);
    Deno.exit(EX_CONFIG);
  }
  const { config, notes } = reading;
  const log = createLogger({
    ...config.log,
    now: Date.now,
    // deno-lint-ignore no-console
    write: (line) => console.log(line),
  });
  for (const note of notes) log.warn("config.note", { note });

  const environment = { log, clock: systemClock, random: Math.random, fetch };
  const patchbay = await startPatchbay(config, environment).catch((error: unknown) => {
    // deno-lint-ignore no-console
    console.error(startFailure(error, config));
    Deno.exit(EX_UNAVAILABLE);
  });
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await patchbay.drain();
    Deno.exit(0);
  };
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
}

/** Why it does not start, in one line where the reason is an everyday one. */
function startFailure(error: unknown, { server: { host, port } }: Config): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `Cannot listen on ${host}:${port}: expected a PORT that no other program listens on`;
  }
  if (
    error instanceof Deno.errors.AddrNotAvailable || error instanceof Deno.errors.PermissionDenied
  ) {
    return `Cannot listen on ${host}:${port}: ${error.message}`;
  }
  if (error instanceof StoreUnavailable) {
    return `${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ""}`;
  }
  if (error instanceof UnusableKeyFile || error instanceof MissingKeyFile) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

if (import.meta.main) await main();
