import type { Patchbay } from "../../../main.ts";
import { startContactCentre } from "../../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";
import { startTwilio } from "../../../simulator/twilio/server.ts";
import type { Twilio } from "../../../simulator/twilio/twilio.ts";
import {
  startWebhookConsumer,
  type WebhookConsumer,
} from "../../../simulator/webhook_consumer/server.ts";
import { startLocalPatchbay } from "../local_patchbay.ts";
import { createTestKey, type TestKey } from "../../../simulator/kit/tokens.ts";

/** How Patchbay learns what happens: the contact centre posts its notifications, or Patchbay listens to them. */
export type Hearing = "pushed" | "heard";

/** Deadlines for what happens at all, on a busy machine. */
export const PATIENCE = { timeoutMs: 15_000 } as const;
/** Everybody's, where the contact centre asks for one. */
export const PASSWORD = "simulated";

const NOTIFICATIONS_TOKEN = "notifications-of-a-shared-session";
/** One of Twilio's magic numbers: a sender that works. */
const OUR_NUMBER = "+15005550006";

/** A Patchbay in this process, and what is around it. */
export interface Surroundings extends AsyncDisposable {
  readonly hearing: Hearing;
  readonly centre: ContactCentre;
  readonly twilio: Twilio;
  readonly consumer: WebhookConsumer;
  readonly patchbay: Patchbay;
  readonly key: TestKey;
  /** Nothing is told while the work is under way: what it leads to is told once whoever asked for it has the answer. */
  untold<T>(work: () => Promise<T>): Promise<T>;
}

export interface SurroundingsOptions {
  /** Of the store. */
  readonly env: Readonly<Record<string, string>>;
  readonly hearing: Hearing;
  /** Who may sign in at the contact centre, where Patchbay keeps their credentials. */
  readonly agentIds: readonly string[];
}

/** Starts a contact centre, a Twilio and a consumer, and a Patchbay between them. */
export async function startSurroundings(
  { env, hearing, agentIds }: SurroundingsOptions,
): Promise<Surroundings> {
  await using started = new AsyncDisposableStack();
  const [key, twilio, consumer] = await Promise.all([
    createTestKey(),
    startTwilio(),
    startWebhookConsumer(),
  ]);
  started.use(twilio);
  started.use(consumer);
  let patchbayUrl = "";
  let answered: Promise<void> = Promise.resolve();
  const pushing = {
    // Patchbay has to know the contact centre's address before it has one itself.
    ingress: {
      get url() {
        return `${patchbayUrl}/ingress/notifications`;
      },
      token: NOTIFICATIONS_TOKEN,
    },
  };
  const listening = {
    agents: agentIds.map((agentId) => ({ agentId, password: PASSWORD })),
    csrf: true,
    cometd: { timeoutMs: 1_000, maxIntervalMs: 5_000, sweepMs: 200 },
  };
  const centre = started.use(
    await startContactCentre({
      notify: () => answered,
      ...(hearing === "pushed" ? pushing : listening),
    }),
  );
  const patchbay = started.use(
    await startLocalPatchbay({
      UPSTREAM_URL: centre.url,
      PUBLIC_URL: "http://127.0.0.1",
      JWT_PUBLIC_KEY: JSON.stringify(key.publicJwk),
      NOTIFICATIONS_TOKEN,
      TWILIO_ACCOUNT_SID: twilio.accountSid,
      TWILIO_AUTH_TOKEN: twilio.authToken,
      TWILIO_FROM: OUR_NUMBER,
      TWILIO_API_URL: twilio.url,
      ...(hearing === "pushed" ? {} : { UPSTREAM_AUTH: "vault", SUBSCRIBE: "on" }),
      ...env,
    }),
  );
  patchbayUrl = patchbay.url;
  const owned = started.move();

  return {
    hearing,
    centre,
    twilio,
    consumer,
    patchbay,
    key,
    async untold(work) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = answered;
      answered = before.then(() => promise);
      return await work().finally(resolve);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
