import type { Clock } from "../support/clock.ts";
import type { RandomBytes } from "./secrets.ts";
import type { UrlVerdict } from "../egress/egress.ts";
import { WebhookUrlRefused } from "../errors.ts";
import type { Ids } from "../support/ids.ts";
import type { Logger } from "../support/log.ts";
import type { Publisher } from "../events/publisher.ts";
import type { Sealer } from "../sealing/secrets.ts";
import type { DeliveryStore } from "../store/port/deliveries.ts";
import type { Page, PageRequest } from "../store/port/paging.ts";
import type { WebhookStore } from "../store/port/webhooks.ts";
import { createBackground } from "./background.ts";
import {
  createCredentialsReader,
  keysFor,
  rotateKeys,
  sealCredentials,
  type WebhookCredentials,
  type WebhookKey,
} from "./credentials.ts";
import { createDisabling, type Disabling } from "./disabling.ts";
import { createRecovering, type Recovering } from "./recovery.ts";
import { parseWebhookDraft, parseWebhookPatch } from "./registration.ts";
import { createWebhookRegistry, found, noSuchWebhook } from "./registry.ts";
import { DEFAULTS, type Webhook } from "./webhook.ts";

export interface WebhookServiceDependencies {
  readonly store:
    & WebhookStore
    & Pick<DeliveryStore, "holdDeliveries" | "requeueDeliveries" | "countDeliveries">;
  readonly publisher: Pick<Publisher, "publishOwn">;
  readonly sealer: Sealer;
  /** The egress guard's judgement of a URL from outside. */
  readonly judgeUrl: (untrustedUrl: string) => Promise<UrlVerdict>;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "webhook" | "token">;
  readonly randomBytes: RandomBytes;
  readonly log: Logger;
  /** How long events and deliveries are kept. */
  readonly retentionMs: number;
  /** Told that deliveries have become due: wakes the delivery engine. */
  readonly onDue: () => void;
}

/** A webhook and, where one was just made, its secret: the only time that it is to be had. */
export interface WebhookWithSecret {
  readonly webhook: Webhook;
  /** `whsec_…`; null where none was made, because none is needed (`v1a` alone) or the present one stays. */
  readonly secret: string | null;
}

/**
 * The registered webhooks. Methods that take an id throw `NotFound` where there is none; all throw `StoreUnavailable`
 * when the store is. Input is checked as `registration.ts` and `recovery_request.ts` say; a URL that the egress guard refuses
 * is `WebhookUrlRefused`.
 */
export interface WebhookService extends Recovering, Disabling {
  create(untrustedJson: unknown): Promise<WebhookWithSecret>;
  /** By id, which is the order of registering. */
  list(page: PageRequest): Promise<Page<Webhook>>;
  /** All of them, as they were at most 2 s ago: costs nothing to ask often. */
  all(): Promise<readonly Webhook[]>;
  read(id: string): Promise<Webhook>;
  /** The webhook as it was at most 2 s ago; null where there is none. */
  get(id: string): Promise<Webhook | null>;
  /** A new signing scheme gets a new key; the URL, once changed, is judged again. */
  patch(id: string, untrustedJson: unknown): Promise<WebhookWithSecret>;
  delete(id: string): Promise<void>;
  /** New keys; the present ones sign beside them for 24 h. */
  rotateSecret(id: string): Promise<WebhookWithSecret>;
  /** Publishes `webhook.ping` for this webhook alone, disabled or not. Returns the event's id. */
  ping(id: string): Promise<string>;
  readCredentials(webhook: Webhook): Promise<WebhookCredentials>;
  /** Ends what runs in the background at its next step; a recovery is carried on after the next start. */
  stop(): Promise<void>;
  /** Resolves once nothing runs in the background. */
  settled(): Promise<void>;
}

export function createWebhookService(dependencies: WebhookServiceDependencies): WebhookService {
  const { publisher, sealer, judgeUrl, clock, ids, randomBytes } = dependencies;
  const registry = createWebhookRegistry(dependencies);
  const background = createBackground(dependencies);
  const parts = { ...dependencies, outbox: dependencies.store, registry, background };
  const readCredentials = createCredentialsReader(sealer);

  async function judged(untrustedUrl: string): Promise<string> {
    const verdict = await judgeUrl(untrustedUrl);
    if (!verdict.ok) throw new WebhookUrlRefused(verdict.reason);
    return verdict.url.href;
  }

  async function withCredentials(credentials: WebhookCredentials) {
    const { keys, headers } = credentials;
    return {
      sealedCredentials: await sealCredentials(credentials, sealer),
      headerNames: Object.keys(headers),
      publicKeys: keys.flatMap(({ publicKey, untilMs }) =>
        publicKey === null ? [] : [{ key: publicKey, untilMs }]
      ),
    };
  }

  return {
    ...createDisabling(parts),
    ...createRecovering(parts),
    readCredentials,
    list: async (page) => pageOf(await registry.list(), page),
    all: registry.all,
    read: registry.read,
    get: registry.get,
    delete: registry.delete,
    stop: background.stop,
    settled: background.settled,

    async create(untrustedJson) {
      const { headers = {}, ...input } = parseWebhookDraft(untrustedJson);
      const url = await judged(input.url);
      const nowMs = clock.now();
      const signing = input.signing ?? DEFAULTS.signing;
      const keys = await keysFor(signing, [], randomBytes);
      const webhook = await registry.add({
        ...DEFAULTS,
        ...input,
        url,
        id: ids.webhook(nowMs),
        ...await withCredentials({ keys, headers }),
        disabled: null,
        enabledAtMs: null,
        recovery: null,
        previousSecretUntilMs: null,
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
      });
      return { webhook, secret: newSecret(keys, []) };
    },

    async patch(id, untrustedJson) {
      const { headers, ...input } = parseWebhookPatch(untrustedJson);
      const changedUrl = input.url === undefined ? {} : { url: await judged(input.url) };
      let secret: string | null = null;
      const webhook = await registry.change(id, async (present) => {
        const credentials = await readCredentials(present);
        const signing = input.signing ?? present.signing;
        const keys = await keysFor(signing, credentials.keys, randomBytes);
        secret = newSecret(keys, credentials.keys);
        return {
          ...present,
          ...input,
          ...changedUrl,
          ...await withCredentials({ keys, headers: headers ?? credentials.headers }),
          updatedAtMs: clock.now(),
        };
      });
      return { webhook: found(webhook), secret };
    },

    async rotateSecret(id) {
      let secret: string | null = null;
      const webhook = await registry.change(id, async (present) => {
        const nowMs = clock.now();
        const { keys: presentKeys, headers } = await readCredentials(present);
        const keys = await rotateKeys(present.signing, presentKeys, nowMs, randomBytes);
        secret = newSecret(keys, presentKeys);
        return {
          ...present,
          ...await withCredentials({ keys, headers }),
          previousSecretUntilMs: Math.max(...keys.map(({ untilMs }) => untilMs ?? nowMs)),
          updatedAtMs: nowMs,
        };
      });
      return { webhook: found(webhook), secret };
    },

    async ping(id) {
      await registry.read(id);
      const event = { type: "webhook.ping", sessionId: null, data: { webhookId: id } };
      const published = await publisher.publishOwn(event, { onlyWebhook: id });
      // Deleted between the two steps.
      if (published.deliveries === 0) throw noSuchWebhook();
      return published.id;
    },
  };
}

function newSecret(keys: readonly WebhookKey[], before: readonly WebhookKey[]): string | null {
  const made = keys.find(({ scheme, secret }) =>
    scheme === "v1" && !before.some((key) => key.secret === secret)
  );
  return made?.secret ?? null;
}

function pageOf(webhooks: readonly Webhook[], { limit, cursor }: PageRequest): Page<Webhook> {
  const rest = webhooks.filter(({ id }) => cursor === undefined || id > cursor);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: last !== undefined && rest.length > limit ? last.id : null };
}
