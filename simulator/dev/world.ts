import { systemNetwork } from "../../services/http/network.ts";
import { type Patchbay, startPatchbay } from "../../main.ts";
import { systemClock } from "../../services/support/clock.ts";
import { readConfig } from "../../services/config/config.ts";
import type { Logger } from "../../services/support/log.ts";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER, type TestKey } from "../kit/tokens.ts";
import { startContactCentre } from "../contact_centre/server.ts";
import type { ContactCentre } from "../contact_centre/contact_centre.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { HookCall } from "../twilio/hook_caller.ts";
import type { TwilioMessage } from "../twilio/message.ts";
import { startTwilio } from "../twilio/server.ts";
import type { Twilio } from "../twilio/twilio.ts";
import { startWebhookConsumer, type WebhookConsumer } from "../webhook_consumer/server.ts";
import type { Delivery } from "../webhook_consumer/webhook_inbox.ts";

const SCOPES =
  "sms:operate sms:supervise sessions:read sessions:write webhooks:read webhooks:write";

const NOTIFICATIONS_TOKEN = "development-notifications";
/** One of Twilio's magic numbers: a sender that works. */
const OUR_NUMBER = "+15005550006";
/** Where Twilio and consumers believe Patchbay to be; the simulated Twilio is told where it is. */
const PUBLIC_URL = "http://127.0.0.1";
/** From one status of a text to the next. */
const STATUS_STEP_MS = 20;
const TOKEN_LIFETIME_S = 12 * 60 * 60;

export interface WorldOptions {
  /** Where Patchbay listens; 0: any free port. */
  readonly port: number;
  readonly log: Logger;
  /** A request that reached the contact centre. */
  readonly onUpstream: (request: RecordedRequest) => void;
  readonly onNotification: (notification: Readonly<Record<string, unknown>>) => void;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly onMessage: (message: TwilioMessage) => void;
  /** A request of Twilio's that has been answered. */
  readonly onHook: (call: HookCall) => void;
}

/** Patchbay between a contact centre, a Twilio and a webhook consumer, all on loopback and in memory. */
export interface World extends AsyncDisposable {
  readonly patchbay: Patchbay;
  readonly contactCentre: ContactCentre;
  readonly twilio: Twilio;
  readonly consumer: WebhookConsumer;
  /** A signed token of an agent with every scope. */
  tokenOf(agentId: string): Promise<string>;
}

/** Starts the simulators and a Patchbay that is configured for them as an operator would, through its variables. */
export async function startWorld(options: WorldOptions): Promise<World> {
  await using started = new AsyncDisposableStack();
  const key = await createTestKey("EdDSA");
  const consumer = started.use(await startWebhookConsumer({ onDelivery: options.onDelivery }));
  const twilio = started.use(
    await startTwilio({
      onMessage: options.onMessage,
      onHook: options.onHook,
      walk: { stepMs: STATUS_STEP_MS },
      inboundUrl: `${PUBLIC_URL}/ingress/twilio/sms`,
      control: true,
    }),
  );
  let patchbayUrl = "";
  const contactCentre = started.use(
    await startContactCentre({
      onRequest: options.onUpstream,
      notify: options.onNotification,
      // Patchbay has to know the contact centre's address before it has one itself.
      ingress: {
        get url() {
          return `${patchbayUrl}/ingress/notifications`;
        },
        token: NOTIFICATIONS_TOKEN,
      },
    }),
  );
  const patchbay = await startPatchbay(
    configFor({ key, contactCentre, twilio, port: options.port }),
    { log: options.log, clock: systemClock, random: Math.random, fetch, network: systemNetwork },
  );
  patchbayUrl = patchbay.url;
  twilio.configure({ reach: { [PUBLIC_URL]: patchbay.url } });
  started.defer(() => patchbay.drain());
  const owned = started.move();
  return {
    patchbay,
    contactCentre,
    twilio,
    consumer,
    tokenOf: (agentId) =>
      key.sign({ sub: agentId, scope: SCOPES }, { lifetimeS: TOKEN_LIFETIME_S }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function configFor(
  { key, contactCentre, twilio, port }: {
    readonly key: TestKey;
    readonly contactCentre: ContactCentre;
    readonly twilio: Twilio;
    readonly port: number;
  },
) {
  const reading = readConfig({
    HOST: "127.0.0.1",
    PORT: String(port),
    PUBLIC_URL,
    UPSTREAM_URL: contactCentre.url,
    JWT_ISSUER: TEST_ISSUER,
    JWT_AUDIENCE: TEST_AUDIENCE,
    JWT_PUBLIC_KEY: JSON.stringify(key.publicJwk),
    SQLITE_PATH: ":memory:",
    NOTIFICATIONS_TOKEN,
    EGRESS_ALLOW: "127.0.0.0/8",
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_FROM: OUR_NUMBER,
    TWILIO_API_URL: twilio.url,
  });
  if (!reading.ok) throw new Error(reading.faults.join("\n"));
  return reading.config;
}
