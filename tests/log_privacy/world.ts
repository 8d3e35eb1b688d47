import { startContactCentre } from "../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import { createInbox, type Inbox } from "../../simulator/kit/inbox.ts";
import { startTwilio } from "../../simulator/twilio/server.ts";
import type { Twilio } from "../../simulator/twilio/twilio.ts";
import {
  startWebhookConsumer,
  type WebhookConsumer,
} from "../../simulator/webhook_consumer/server.ts";
import {
  type PatchbayForLoad,
  redisEnv,
  startPatchbayForLoad,
} from "../support/patchbay_for_load.ts";
import { type RedisServer, startRedisServer } from "../../simulator/kit/redis_server.ts";
import { createTestKey, type TestKey } from "../../simulator/kit/tokens.ts";
import { OUR_NUMBER, SECRETS, WORDS } from "./personal.ts";

export const AGENT = "john.doe";
export const SCOPES =
  "sms:operate sessions:read sessions:write webhooks:read webhooks:write credentials:write";

/** A line that Patchbay has written. */
export interface Line {
  readonly text: string;
}

/** A Patchbay that logs all that it can, with everything around it. */
export interface World {
  readonly patchbay: PatchbayForLoad;
  readonly centre: ContactCentre;
  readonly twilio: Twilio;
  readonly consumer: WebhookConsumer;
  /** Null where there is none on this machine: it keeps its data in SQLite then. */
  readonly redis: RedisServer | null;
  readonly key: TestKey;
  /** Both of its outputs. */
  readonly lines: Inbox<Line>;
  /** Resolves when the event has been logged so often. */
  logged(event: string, times?: number): Promise<void>;
}

const LOGGED_WITHIN = { timeoutMs: 20_000 };
const PUBLIC_URL = "https://edge.example";
const TIMEOUT_MS = 1_000;

/** Starts it all; what is started is left to `started` to end. */
export async function startWorld(
  started: AsyncDisposableStack,
  { withRedis }: { readonly withRedis: boolean },
): Promise<World> {
  const key = await createTestKey();
  const centre = started.use(
    await startContactCentre({
      agents: [{ agentId: AGENT, password: SECRETS.agentPassword }],
      csrf: true,
      cometd: { timeoutMs: 300, sweepMs: 100 },
    }),
  );
  const twilio = started.use(
    await startTwilio({
      authToken: SECRETS.twilioToken,
      walk: {},
      inboundUrl: `${PUBLIC_URL}/ingress/twilio/sms`,
    }),
  );
  const consumer = started.use(
    await startWebhookConsumer({
      respond: () => ({ kind: "answer", status: 500, body: WORDS.consumerAnswer }),
    }),
  );
  const redis = withRedis
    ? started.use(await startRedisServer({ args: ["--requirepass", SECRETS.redisPassword] }))
    : null;
  const lines = createInbox<Line>("line");
  started.defer(() => lines.close());
  const add = (text: string) => lines.add({ text });
  const patchbay = started.use(
    await startPatchbayForLoad({
      env: { ...environment(key, centre, twilio), ...storeEnv(redis) },
      onLine: add,
      onErrorLine: add,
    }),
  );
  twilio.configure({ reach: { [PUBLIC_URL]: patchbay.url } });
  return {
    patchbay,
    centre,
    twilio,
    consumer,
    redis,
    key,
    lines,
    async logged(event, times = 1) {
      const isThere = () =>
        lines.items.filter(({ text }) => text.includes(`"event":"${event}"`)).length >= times;
      if (isThere()) return;
      await lines.waitFor(isThere, LOGGED_WITHIN).catch((cause: unknown) => {
        throw new Error(`Cannot go on: expected ${event} to be logged`, { cause });
      });
    },
  };
}

function environment(
  { publicJwk }: TestKey,
  centre: ContactCentre,
  twilio: Twilio,
): Record<string, string> {
  return {
    LOG_LEVEL: "debug",
    JWT_PUBLIC_KEY: JSON.stringify(publicJwk),
    PUBLIC_URL,
    UPSTREAM_URL: centre.url,
    UPSTREAM_AUTH: "vault",
    UPSTREAM_TIMEOUT_MS: String(TIMEOUT_MS),
    SUBSCRIBE: "on",
    NOTIFICATIONS_TOKEN: SECRETS.notificationsToken,
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: SECRETS.twilioToken,
    TWILIO_AUTH_TOKEN_NEXT: SECRETS.twilioTokenNext,
    TWILIO_FROM: OUR_NUMBER,
    TWILIO_API_URL: twilio.url,
    SMS_RATE_LIMIT: "off",
    WEBHOOK_TIMEOUT_MS: String(TIMEOUT_MS),
    WEBHOOK_RETRY_S: "0.1,0.1",
  };
}

function storeEnv(redis: RedisServer | null): Record<string, string> {
  if (redis === null) return { SQLITE_PATH: ":memory:", ENCRYPTION_KEY: SECRETS.encryptionKey };
  const url = redis.url.replace("://", `://default:${SECRETS.redisPassword}@`);
  return { ...redisEnv(url), ENCRYPTION_KEY: SECRETS.encryptionKey };
}
