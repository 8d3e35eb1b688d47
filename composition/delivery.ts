import type { Config } from "../services/config/config.ts";
import { createDeliveryEngine, type DeliveryEngine } from "../services/delivery/engine.ts";
import { createGovernor, type SinkSettings } from "../services/delivery/governor.ts";
import { createSettler } from "../services/delivery/settler.ts";
import { createSigner } from "../services/webhooks/sending/signing.ts";
import type { Sink } from "../services/delivery/sink.ts";
import { createWebhookSink } from "../services/webhooks/sending/webhook_sink.ts";
import type { HttpTransport } from "../services/http/transport.ts";
import type { Ids } from "../services/support/ids.ts";
import type { Publisher } from "../services/events/publisher.ts";
import { SMS_SINK } from "../services/store/port/deliveries.ts";
import type { Store } from "../services/store/port/store.ts";
import { DEFAULTS } from "../services/webhooks/webhook.ts";
import { deliveryRate } from "../services/webhooks/rate_limit.ts";
import type { WebhookService } from "../services/webhooks/webhooks.ts";
import { VERSION } from "../version.ts";
import type { Environment } from "./environment.ts";
import type { Sms } from "./sms.ts";

/** While SMS is off, texts from a time when it was on wait where they are: only with SMS can they end truthfully. */
const NO_TEXTS: SinkSettings = { sinkId: SMS_SINK, concurrency: 0, rate: null };

export interface DeliveryParts {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly webhooks: WebhookService;
  readonly ids: Ids;
  /** Null where SMS is off. */
  readonly sms: Sms | null;
  /** The way to webhooks. */
  readonly transport: HttpTransport;
}

/** The delivery engine with its sinks. */
export function composeDelivery(
  config: Config,
  environment: Environment,
  { store, publisher, webhooks, ids, sms, transport }: DeliveryParts,
): DeliveryEngine {
  const { clock, log } = environment;
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
      settings: () => settingsOf(webhooks, sms),
      clock,
      log,
      concurrencyPerSink: DEFAULTS.concurrency,
    }),
    onSweep: () => void webhooks.resumeStale(),
    sinkFor: createSinks(config, environment, { store, webhooks, sms, transport, leaseMs }),
    ids,
    leaseMs,
  });
}

/** How each webhook wants to be sent to, and whether texts may go at all. */
async function settingsOf(webhooks: WebhookService, sms: Sms | null): Promise<SinkSettings[]> {
  const all = await webhooks.all();
  const settings = all.map((webhook) => ({
    sinkId: webhook.id,
    concurrency: webhook.concurrency,
    rate: deliveryRate(webhook),
  }));
  return [...settings, sms?.sendingSwitch.sinkSettings(DEFAULTS.concurrency) ?? NO_TEXTS];
}

/** All webhooks share one sink. The customer's phone is another, which there is only where SMS is configured. */
function createSinks(
  config: Config,
  environment: Environment,
  { store, webhooks, sms, transport, leaseMs }:
    & Pick<DeliveryParts, "store" | "webhooks" | "sms" | "transport">
    & { readonly leaseMs: number },
): (sinkId: string) => Sink {
  const webhookSink = createWebhookSink({
    ...environment,
    webhooks,
    readCredentials: webhooks.readCredentials,
    signer: createSigner(),
    transport,
    timeoutMs: config.webhooks.timeoutMs,
    retryWaitsMs: config.webhooks.retryWaitsMs,
    version: VERSION,
  });
  if (sms === null) return () => webhookSink;
  const smsSink = sms.createSink({ store, leaseMs });
  return (sinkId) => sinkId === SMS_SINK ? smsSink : webhookSink;
}
