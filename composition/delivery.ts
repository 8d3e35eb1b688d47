import { lookup } from "node:dns/promises";
import type { Config } from "../services/config.ts";
import { createDeliveryEngine, type DeliveryEngine } from "../services/delivery/engine.ts";
import { createGovernor, type SinkSettings } from "../services/delivery/governor.ts";
import { createHostAddresses } from "../services/delivery/host_addresses.ts";
import { createSettler } from "../services/delivery/settler.ts";
import { createSigner } from "../services/delivery/signing.ts";
import type { Sink } from "../services/delivery/sink.ts";
import { createWebhookSink } from "../services/delivery/webhook_sink.ts";
import type { Ids } from "../services/ids.ts";
import type { Publisher } from "../services/publisher.ts";
import { createSmsSink } from "../services/sms/sms_sink.ts";
import { createTwilioSender } from "../services/sms/twilio_client.ts";
import { SMS_SINK, type Store } from "../services/store/port.ts";
import { deliveryRate } from "../services/webhooks/rate.ts";
import type { WebhookService } from "../services/webhooks/webhooks.ts";
import { VERSION } from "../version.ts";
import type { Environment } from "./environment.ts";

/** How many deliveries of one webhook are under way at once where it does not say. */
const CONCURRENCY_PER_SINK = 10;

export interface DeliveryParts {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly webhooks: WebhookService;
  readonly ids: Ids;
}

/** The delivery engine with its sinks. */
export function composeDelivery(
  config: Config,
  environment: Environment,
  { store, publisher, webhooks, ids }: DeliveryParts,
): DeliveryEngine {
  const { clock, log } = environment;
  const concurrencyPerSink = CONCURRENCY_PER_SINK;
  const leaseMs = config.webhooks.timeoutMs + 15_000;
  return createDeliveryEngine({
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
