import type { Clock } from "../clock.ts";
import type { RandomBytes } from "../delivery/signing.ts";
import type { WebhookSource } from "../delivery/webhook_sink.ts";
import type { UrlVerdict } from "../egress/egress.ts";
import { NotFound, WebhookUrlRefused } from "../errors.ts";
import type { Ids } from "../ids.ts";
import { createKeyedQueue } from "../keyed_queue.ts";
import type { Publisher } from "../publisher.ts";
import type { Sealer } from "../sealing/secrets.ts";
import type { Page, PageRequest, WebhookRegistry } from "../store/port.ts";
import {
  createCredentialsReader,
  keysFor,
  rotateKeys,
  sealCredentials,
  type WebhookCredentials,
  type WebhookKey,
} from "./credentials.ts";
import { createWebhookDirectory } from "./directory.ts";
import { parseWebhookDraft, parseWebhookPatch, type WebhookPatch } from "./input.ts";
import { decodeWebhook, encodeWebhook, type Webhook } from "./record.ts";

export interface WebhookServiceDependencies {
  readonly registry: WebhookRegistry;
  readonly publisher: Pick<Publisher, "publishOwn">;
  readonly sealer: Sealer;
  /** The egress guard's judgement of a URL from outside. */
  readonly judgeUrl: (untrustedUrl: string) => Promise<UrlVerdict>;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "webhook">;
  readonly randomBytes: RandomBytes;
}

/** A webhook and, where one was just made, its secret: the only time that it is to be had. */
export interface WebhookWithSecret {
  readonly webhook: Webhook;
  /** `whsec_…`; null: none was made, as none is needed (`v1a` alone) or the present one stays. */
  readonly secret: string | null;
}

/**
 * The registered webhooks. Methods that take an id throw `NotFound` where there is none; all throw `StoreUnavailable`
 * when the store is. Input is checked as `services/webhook_input.ts` says; a URL that the egress guard refuses is
 * `WebhookUrlRefused`.
 */
export interface WebhookService extends WebhookSource {
  create(untrustedJson: unknown): Promise<WebhookWithSecret>;
  /** By id, which is the order of registering. */
  list(page: PageRequest): Promise<Page<Webhook>>;
  read(id: string): Promise<Webhook>;
  /** A new signing scheme gets a new key; the URL, once changed, is judged again. */
  patch(id: string, untrustedJson: unknown): Promise<WebhookWithSecret>;
  delete(id: string): Promise<void>;
  /** New keys; the present ones sign beside them for 24 h. */
  rotateSecret(id: string): Promise<WebhookWithSecret>;
  enable(id: string): Promise<Webhook>;
  /** Publishes `webhook.ping` for this webhook alone, disabled or not. Returns the event's id. */
  ping(id: string): Promise<string>;
  readCredentials(webhook: Webhook): Promise<WebhookCredentials>;
}

const DEFAULTS = {
  eventTypes: ["*"],
  agentIds: null,
  ordering: "session",
  payload: "full",
  signing: ["v1"],
  rateLimit: null,
  description: null,
} satisfies WebhookPatch;

export function createWebhookService(dependencies: WebhookServiceDependencies): WebhookService {
  const { registry, publisher, sealer, judgeUrl, clock, ids, randomBytes } = dependencies;
  const directory = createWebhookDirectory({ registry, clock });
  const readCredentials = createCredentialsReader(sealer);
  // The registry replaces whole records. Without a queue, disabling could bring back the secret that a rotation
  // under way had just replaced.
  const exclusively = createKeyedQueue();

  async function judged(untrustedUrl: string): Promise<string> {
    const verdict = await judgeUrl(untrustedUrl);
    if (!verdict.ok) throw new WebhookUrlRefused(verdict.reason);
    return verdict.url.href;
  }

  async function listAll(): Promise<Webhook[]> {
    const { webhooks } = await registry.listWebhooks();
    return webhooks.map(decodeWebhook).sort((one, other) => one.id < other.id ? -1 : 1);
  }

  async function find(id: string): Promise<Webhook | null> {
    const { webhooks } = await registry.listWebhooks();
    const entry = webhooks.find((candidate) => candidate.id === id);
    return entry === undefined ? null : decodeWebhook(entry);
  }

  async function read(id: string): Promise<Webhook> {
    const webhook = await find(id);
    if (webhook === null) throw notFound();
    return webhook;
  }

  async function save(webhook: Webhook): Promise<Webhook> {
    await registry.putWebhook(encodeWebhook(webhook));
    directory.forget();
    return webhook;
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
    readCredentials,
    list: async (page) => pageOf(await listAll(), page),
    read,
    get: (id) => directory.get(id),

    async create(untrustedJson) {
      const { headers = {}, ...input } = parseWebhookDraft(untrustedJson);
      const url = await judged(input.url);
      const nowMs = clock.now();
      const signing = input.signing ?? DEFAULTS.signing;
      const keys = await keysFor(signing, [], randomBytes);
      const webhook = await save({
        ...DEFAULTS,
        ...input,
        url,
        id: ids.webhook(nowMs),
        ...await withCredentials({ keys, headers }),
        disabled: null,
        previousSecretUntilMs: null,
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
      });
      return { webhook, secret: newSecret(keys, []) };
    },

    async patch(id, untrustedJson) {
      const { headers, ...input } = parseWebhookPatch(untrustedJson);
      const changedUrl = input.url === undefined ? {} : { url: await judged(input.url) };
      return await exclusively(id, async () => {
        const present = await read(id);
        const credentials = await readCredentials(present);
        const signing = input.signing ?? present.signing;
        const keys = await keysFor(signing, credentials.keys, randomBytes);
        const webhook = await save({
          ...present,
          ...input,
          ...changedUrl,
          ...await withCredentials({ keys, headers: headers ?? credentials.headers }),
          updatedAtMs: clock.now(),
        });
        return { webhook, secret: newSecret(keys, credentials.keys) };
      });
    },

    async delete(id) {
      const existed = await exclusively(id, () => registry.deleteWebhook(id));
      directory.forget();
      if (!existed) throw notFound();
    },

    rotateSecret: (id) =>
      exclusively(id, async () => {
        const present = await read(id);
        const nowMs = clock.now();
        const { keys: presentKeys, headers } = await readCredentials(present);
        const keys = await rotateKeys(present.signing, presentKeys, nowMs, randomBytes);
        const webhook = await save({
          ...present,
          ...await withCredentials({ keys, headers }),
          previousSecretUntilMs: Math.max(...keys.map(({ untilMs }) => untilMs ?? nowMs)),
          updatedAtMs: nowMs,
        });
        return { webhook, secret: newSecret(keys, presentKeys) };
      }),

    enable: (id) =>
      exclusively(id, async () => {
        const present = await read(id);
        if (present.disabled === null) return present;
        return await save({ ...present, disabled: null, updatedAtMs: clock.now() });
      }),

    disable: (id, reason) =>
      exclusively(id, async () => {
        const present = await find(id);
        if (present === null || present.disabled !== null) return false;
        const nowMs = clock.now();
        await save({ ...present, disabled: { reason, atMs: nowMs }, updatedAtMs: nowMs });
        return true;
      }),

    async ping(id) {
      await read(id);
      const event = { type: "webhook.ping", sessionId: null, data: { webhookId: id } };
      const published = await publisher.publishOwn(event, { onlyWebhook: id });
      // Deleted between the two steps.
      if (published.deliveries === 0) throw notFound();
      return published.id;
    },
  };
}

function notFound(): NotFound {
  return new NotFound("Cannot find this webhook: expected one that is registered");
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
