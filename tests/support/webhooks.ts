import type { UrlVerdict } from "../../services/egress/egress.ts";
import { createIds } from "../../services/ids.ts";
import { createPublisher } from "../../services/publisher.ts";
import { createSealer, type Sealer } from "../../services/sealing/secrets.ts";
import type { Store } from "../../services/store/port.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { createWebhookService, type WebhookService } from "../../services/webhooks/webhooks.ts";
import { createMemoryLog } from "./memory_log.ts";
import { createVirtualClock, type VirtualClock } from "./virtual_clock.ts";

/** The webhook service over a store in memory, with everything real but the clock. */
export interface TestWebhooks extends AsyncDisposable {
  readonly webhooks: WebhookService;
  readonly store: Store;
  readonly clock: VirtualClock;
  readonly sealer: Sealer;
  /** Another instance's service over the same store. */
  another(): WebhookService;
}

/** `judgeUrl` takes every URL that parses unless the test says otherwise. */
export function createTestWebhooks(
  { judgeUrl = judgeLeniently }: { judgeUrl?: (url: string) => Promise<UrlVerdict> } = {},
): TestWebhooks {
  const clock = createVirtualClock();
  const policy = { sessionTtlMs: 3_600_000, eventRetentionMs: 3_600_000 };
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy });
  const sealer = createSealer(new Uint8Array(32).fill(7));
  const ids = createIds();

  function another(): WebhookService {
    const publisher = createPublisher({
      store,
      clock,
      ids,
      log: createMemoryLog(),
      smsEnabled: false,
      onPublished: () => {},
    });
    return createWebhookService({
      registry: store,
      publisher,
      sealer,
      judgeUrl,
      clock,
      ids,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    });
  }

  return {
    webhooks: another(),
    store,
    clock,
    sealer,
    another,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

function judgeLeniently(untrustedUrl: string): Promise<UrlVerdict> {
  const url = URL.parse(untrustedUrl);
  return Promise.resolve(
    url === null ? { ok: false, reason: "Cannot use this URL" } : { ok: true, url },
  );
}
