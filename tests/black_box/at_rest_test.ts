import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { dumpRedis } from "../support/redis_dump.ts";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import { readSqliteFiles } from "../support/sqlite_files.ts";
import { statusChange } from "./notifications.ts";
import { openRedis, openSqliteFile, type TestStore } from "./stores.ts";
import { AGENT_SCOPES, NOTIFICATIONS_TOKEN, startWorld, type World } from "./world.ts";

interface Kept extends AsyncDisposable {
  readonly store: TestStore;
  /** All that the store holds, byte for byte. */
  read(): Promise<Buffer>;
}

const STORES: readonly (readonly [string, () => Promise<Kept>, boolean])[] = [
  ["the files of SQLite, its log included", keptInSqlite, false],
  ["the keys and values of Redis", keptInRedis, ignoredWithoutRedis()],
];

const USERNAME = "ada-at-the-contact-centre";
const PASSWORD = "correct horse battery";
const GATEWAY_PASSWORD = "let-me-through-the-gateway";
const IDEMPOTENCY_KEY = "aa4b7f0e-the-key-of-a-request";

for (const [where, open, ignore] of STORES) {
  Deno.test({
    name: `${where} hold no secret that can be read`,
    ignore,
    async fn() {
      await using kept = await open();
      await using world = await startWorld(kept.store, { UPSTREAM_AUTH: "vault" });
      const session = world.freshSession();
      const { secrets, id } = await live(world, session);
      const bytes = await kept.read();
      // What may be found is, so the rest would be as well.
      for (const text of [session, id, "session.accepted"]) assert(bytes.includes(text), text);
      for (const [what, secret] of Object.entries(secrets)) {
        for (const form of formsOf(secret)) assert(!bytes.includes(form), `${what} is there`);
      }
    },
  });
}

/** A story in which everything secret is used; returns what must not be found. */
async function live(world: World, session: string) {
  const agent = await world.agent("agent-1", `${AGENT_SCOPES} credentials:write`);
  const credentials = { username: USERNAME, password: PASSWORD };
  assert.equal((await agent.put("/v1/agents/me/credentials", credentials)).status, 204);
  const headers = { "x-gateway": GATEWAY_PASSWORD };
  const consumer = await world.consumer({ headers, signing: ["v1", "v1a"] });
  const rotated = await world.admin.post(`/v1/webhooks/${consumer.id}/rotate-secret`);
  assert.equal(rotated.status, 200, rotated.text);
  const accepted = await agent.send(`/api/v2/me/smssessions/${session}`, {
    json: { operationName: "Accept", nickname: "Ada" },
    headers: { "idempotency-key": IDEMPOTENCY_KEY },
  });
  assert.equal(accepted.status, 200, accepted.text);
  assert.equal((await world.notify(statusChange(session, "Chatting"))).status, 202);
  const { headers: received } = await consumer.received(session, "session.status_changed");
  assert.equal(received.get("x-gateway"), GATEWAY_PASSWORD);
  const [, newSecret] = /"secret":"(whsec_[^"]+)"/.exec(rotated.text) ?? [];
  assert(newSecret !== undefined && newSecret !== consumer.secret);
  return {
    id: consumer.id,
    secrets: {
      "the agent's user name": USERNAME,
      "the agent's password": PASSWORD,
      "what goes upstream for them": `${USERNAME}:${PASSWORD}`,
      "the webhook's first secret": consumer.secret.replace("whsec_", ""),
      "the webhook's second secret": newSecret.replace("whsec_", ""),
      "the webhook's own header": GATEWAY_PASSWORD,
      "the idempotency key": IDEMPOTENCY_KEY,
      "the agent's token": agent.token,
      "the ingress's token": NOTIFICATIONS_TOKEN,
      "Twilio's token": world.twilio.authToken,
    },
  };
}

/** As it is, in base64, and what it stands for when it is base64 itself. */
function formsOf(secret: string): (string | Buffer)[] {
  const encoded = Buffer.from(secret).toString("base64").replace(/=+$/, "");
  const decoded = Buffer.from(secret, "base64");
  return [secret, encoded, ...(decoded.toString("base64") === secret ? [decoded] : [])];
}

async function keptInSqlite(): Promise<Kept> {
  const store = await openSqliteFile();
  return {
    store,
    read: async () => Buffer.concat([...(await readSqliteFiles(store.path)).values()]),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function keptInRedis(): Promise<Kept> {
  const store = await openRedis();
  return {
    store,
    read: async () => Buffer.from(await dumpRedis(store.server)),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
