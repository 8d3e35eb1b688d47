import type { UrlVerdict } from "../../services/egress/egress.ts";
import { createIds } from "../../services/support/ids.ts";
import { composePublisher } from "../../composition/publisher.ts";
import type { Publisher } from "../../services/events/publisher.ts";
import { createSealer, type Sealer } from "../../services/sealing/secrets.ts";
import type { Store } from "../../services/store/port/store.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { createWebhookService, type WebhookService } from "../../services/webhooks/webhooks.ts";
import { createMemoryLog, type MemoryLog } from "./memory_log.ts";
import { createVirtualClock, type VirtualClock } from "./virtual_clock.ts";

/** The webhook service over a store in memory, with everything real but the clock. */
export interface TestWebhooks extends AsyncDisposable {
  readonly webhooks: WebhookService;
  /** The one that `webhooks` publishes with. */
  readonly publisher: Publisher;
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly sealer: Sealer;
  readonly log: MemoryLog;
  /** How often somebody was told that deliveries have become due. */
  wakes(): number;
  /** Another instance's service over the same store. */
  another(): WebhookService;
  /** All of them. */
  services(): readonly WebhookService[];
}

/** What a test may put in the place of the usual. */
export interface TestWebhooksOptions {
  /** By default every URL that parses is taken. */
  readonly judgeUrl?: (url: string) => Promise<UrlVerdict>;
  /** Stands between the services and the store. */
  readonly watch?: (store: Store) => Store;
  /** Told that deliveries have become due, published ones too. */
  readonly onDue?: () => void;
}

/** How long the store of {@link createTestWebhooks} keeps events. */
export const RETENTION_MS = 7 * 24 * 3_600_000;

export function createTestWebhooks(
  { judgeUrl = judgeLeniently, watch = (store) => store, onDue = () => {} }: TestWebhooksOptions =
    {},
): TestWebhooks {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const policy = { sessionTtlMs: 3_600_000, eventRetentionMs: RETENTION_MS };
  const inner = openSqliteStore({ path: ":memory:", sync: "normal", policy });
  const store = watch(inner);
  const sealer = createSealer(new Uint8Array(32).fill(7));
  const ids = createIds();
  const services: WebhookService[] = [];
  let wakes = 0;

  function createTestPublisher(): Publisher {
    return composePublisher({
      store,
      clock,
      ids,
      log,
      smsEnabled: false,
      onPublished: onDue,
    });
  }

  function createService(publisher: Publisher): WebhookService {
    const service = createWebhookService({
      store,
      publisher,
      sealer,
      judgeUrl,
      clock,
      ids,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      log,
      retentionMs: RETENTION_MS,
      onDue: () => {
        wakes++;
        onDue();
      },
    });
    services.push(service);
    return service;
  }

  const publisher = createTestPublisher();
  return {
    webhooks: createService(publisher),
    publisher,
    store,
    clock,
    sealer,
    log,
    wakes: () => wakes,
    another: () => createService(createTestPublisher()),
    services: () => services,
    async [Symbol.asyncDispose]() {
      await Promise.all(services.map((service) => service.stop()));
      await inner.close();
    },
  };
}

function judgeLeniently(untrustedUrl: string): Promise<UrlVerdict> {
  const url = URL.parse(untrustedUrl);
  return Promise.resolve(
    url === null ? { ok: false, reason: "Cannot use this URL" } : { ok: true, url },
  );
}
