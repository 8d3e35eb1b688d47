/** Everything around one Patchbay: the issuer, the contact centre, Twilio, webhook consumers, and those who call it. */
import { HURRIED_MAIN, HURRY } from "../support/hurried_main.ts";
import { startJwksServer } from "../support/jwks_server.ts";
import {
  createTestKey,
  TEST_AUDIENCE,
  TEST_ISSUER,
  type TestKey,
} from "../../simulator/kit/tokens.ts";
import { type Answer, type Client, createClient, request } from "./client.ts";
import {
  type Environment,
  type PatchbayProcess,
  type Program,
  type Running,
  startPatchbayProcess,
} from "../support/patchbay_process.ts";
import { readCreatedWebhook } from "./shapes.ts";
import type { TestStore } from "./stores.ts";
import { type ScriptedTwilio, startScriptedTwilio } from "../support/scripted_twilio.ts";
import { type ScriptedUpstream, startUpstream } from "../support/scripted_upstream.ts";
import { startWebhookConsumer, type WebhookConsumer } from "./webhook_consumer.ts";

export const AGENT_SCOPES = "sms:operate sessions:read sessions:write";
export const ADMIN_SCOPES = "webhooks:read webhooks:write sessions:read sms:supervise";
export const NOTIFICATIONS_TOKEN = "a-notifications-token";
/** Where Patchbay is told that the world reaches it: what Twilio signs with, and never what a test connects to. */
export const PUBLIC_URL = "https://patchbay.example";
/** The token that Twilio signs with once it has been rotated. */
export const TWILIO_AUTH_TOKEN_NEXT = "the-twilio-auth-token-to-come";
/** The sender that Patchbay is configured with. */
export const TWILIO_FROM = "+15005550006";

/** A webhook consumer that Patchbay knows. */
export interface RegisteredConsumer extends WebhookConsumer {
  readonly id: string;
  readonly secret: string;
}

/** A second Patchbay beside the world's own. `await using` ends it. */
export interface AnotherPatchbay extends AsyncDisposable, Pick<World, "agent" | "notify"> {
  readonly url: string;
}

export interface World extends AsyncDisposable {
  readonly key: TestKey;
  readonly upstream: ScriptedUpstream;
  readonly twilio: ScriptedTwilio;
  /** The Patchbay that runs now. */
  readonly patchbay: PatchbayProcess;
  /** What it was started with. */
  readonly env: Environment;
  /** Reads and writes webhooks, sees all sessions. */
  readonly admin: Client;
  /** A caller whose token names this agent, with {@link AGENT_SCOPES} unless told otherwise. */
  agent(agentId: string, scopes?: string): Promise<Client>;
  /** A caller with a token of one's own making. */
  caller(token: string): Client;
  /** Posts to the ingress: a text as it is, anything else as JSON. */
  notify(notifications: unknown): Promise<Answer>;
  /** Starts a consumer and registers it for all events, unless `members` say otherwise. */
  consumer(members?: Readonly<Record<string, unknown>>): Promise<RegisteredConsumer>;
  /** Ends all consumers so far and deletes their webhooks, so that nothing more is sent to them. */
  forgetConsumers(): Promise<void>;
  /** A session id that nothing has used yet. */
  freshSession(): string;
  /** A customer's number that nothing has used yet, in E.164. */
  freshPhone(): string;
  /** Starts a further Patchbay over the same store; `overrides` changes what it is started with. */
  anotherPatchbay(overrides?: Environment): Promise<AnotherPatchbay>;
  /** Starts Patchbay anew, with the same environment; the one before has to have ended. */
  startAnew(): Promise<void>;
}

/**
 * Starts it all over `store`, which it does not dispose of.
 * `overrides` changes Patchbay's environment; an empty text unsets a variable.
 */
export async function startWorld(
  store: TestStore,
  overrides: Environment = {},
  program: Program = "main.ts",
): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(startUpstream());
  const twilio = opened.use(await startScriptedTwilio());
  const issuer = opened.use(startJwksServer());
  const key = await createTestKey();
  issuer.publish(key.jwks);

  const env: Environment = {
    UPSTREAM_URL: upstream.url.origin,
    JWT_ISSUER: TEST_ISSUER,
    JWT_AUDIENCE: TEST_AUDIENCE,
    ...(program === HURRIED_MAIN ? inHurry(key) : { JWKS_URL: issuer.url.href }),
    PUBLIC_URL,
    NOTIFICATIONS_TOKEN,
    EGRESS_ALLOW: "127.0.0.0/8",
    WEBHOOK_RETRY_S: "0.05,0.1,0.15,0.2",
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_AUTH_TOKEN_NEXT,
    TWILIO_FROM,
    TWILIO_API_URL: twilio.url,
    RATE_LIMIT_PER_AGENT: "off",
    ...store.env,
    ...overrides,
  };
  const running: Running = { program, launcher: store.launcher ?? [] };
  let patchbay = opened.use(await startPatchbayProcess(env, running));
  const processes = [patchbay];
  const url = () => patchbay.url;
  const caller = (token: string) => createClient(url, token);
  const tokenOf = (agentId: string, scopes = AGENT_SCOPES) =>
    key.sign({ sub: agentId, scope: scopes });
  const admin = caller(await tokenOf("admin", ADMIN_SCOPES));
  const all = opened.move();
  const consumers = new Map<string, WebhookConsumer>();
  let sessions = 0;
  let phones = 0;

  return {
    key,
    upstream,
    twilio,
    get patchbay() {
      return patchbay;
    },
    env,
    admin,
    caller,
    agent: async (agentId, scopes) => caller(await tokenOf(agentId, scopes)),
    notify: (notifications) => postNotifications(url(), notifications),
    async consumer(members = {}) {
      const consumer = all.use(await startWebhookConsumer());
      const answer = await admin.post("/v1/webhooks", { url: consumer.url, ...members });
      if (answer.status !== 201) throw new Error(`Cannot register a webhook: ${answer.text}`);
      const { id, secret } = readCreatedWebhook(answer.json());
      consumers.set(id, consumer);
      return { ...consumer, id, secret };
    },
    async forgetConsumers() {
      const forgotten = [...consumers];
      consumers.clear();
      await Promise.all(forgotten.map(async ([id, consumer]) => {
        await admin.send(`/v1/webhooks/${id}`, { method: "DELETE" });
        await consumer[Symbol.asyncDispose]();
      }));
    },
    freshPhone: () => `+1650253${String(++phones).padStart(4, "0")}`,
    freshSession: () => `0000Na9B26E${String(++sessions).padStart(5, "0")}`,
    async anotherPatchbay(overrides = {}) {
      const another = await startPatchbayProcess({ ...env, ...overrides }, running);
      processes.push(another);
      return {
        url: another.url,
        agent: async (agentId, scopes) =>
          createClient(() => another.url, await tokenOf(agentId, scopes)),
        notify: (notifications) => postNotifications(another.url, notifications),
        [Symbol.asyncDispose]: another.kill,
      };
    },
    async startAnew() {
      patchbay = await startPatchbayProcess(env, running);
      processes.push(patchbay);
    },
    async [Symbol.asyncDispose]() {
      // First of all: a server that is still being asked cannot be closed.
      await Promise.all(processes.map((process) => process.kill()));
      await all.disposeAsync();
    },
  };
}

/** Answers that Patchbay waits for take as long as ever although its clock hurries. */
function inHurry({ publicPem }: TestKey): Environment {
  return { UPSTREAM_TIMEOUT_MS: String(10_000 * HURRY), JWT_PUBLIC_KEY: publicPem };
}

function postNotifications(url: string, notifications: unknown): Promise<Answer> {
  return request(`${url}/ingress/notifications`, {
    headers: { authorization: `Bearer ${NOTIFICATIONS_TOKEN}` },
    body: typeof notifications === "string" ? notifications : JSON.stringify(notifications),
  });
}
