import assert from "node:assert/strict";
import { craftToken } from "../../simulator/kit/tokens.ts";
import { type Call, caller, PATH } from "./calls.ts";
import { badRequests, leaving, storeAway, upstreamFails } from "./mishaps.ts";
import { SECRETS } from "./personal.ts";
import { conversation, customerWrites, forgeries, textsThatFail } from "./texts.ts";
import { AGENT, SCOPES, type World } from "./world.ts";

/** What of the story is secret and comes about while it is played. */
export interface Secrets {
  readonly tokens: string[];
}

/**
 * Everything that can be done to a Patchbay and gone wrong with it, with a telling text, number or secret in each place that
 * a careless log line would take one from. It asserts as much as shows that each thing has really happened.
 */
export async function playStory(world: World): Promise<Secrets> {
  const secrets: Secrets = { tokens: [] };
  const token = await issue(world, secrets);
  const call = caller(world, token);
  await strangers(world, call, secrets);
  await credentials(call);
  await webhooks(world, call, secrets);
  await conversation(world, call);
  await customerWrites(world);
  await forgeries(world);
  await textsThatFail(world, call);
  await badRequests(world, call);
  await upstreamFails(world, call);
  await leaving(world, call);
  if (world.redis !== null) await storeAway(world, call);
  await world.patchbay.stop();
  return secrets;
}

async function issue(
  { key }: World,
  { tokens }: Secrets,
  claims: Readonly<Record<string, unknown>> = {},
  overrides: Parameters<World["key"]["sign"]>[1] = {},
): Promise<string> {
  const token = await key.sign({ sub: AGENT, scope: SCOPES, ...claims }, overrides);
  tokens.push(token);
  return token;
}

/** Those who may not: each with a token of its own. */
async function strangers(world: World, call: Call, secrets: Secrets): Promise<void> {
  const unsigned = craftToken({ alg: "none" }, { sub: AGENT }, "");
  const late = await issue(world, secrets, {}, { nowMs: Date.now() - 3_600_000 });
  const foreign = await issue(world, secrets, { iss: "https://other.example" });
  secrets.tokens.push(unsigned);
  for (const token of [unsigned, late, foreign, "not-a-token-at-all"]) {
    assert.equal((await call("GET", PATH, undefined, { token })).status, 401);
  }
  const weak = await issue(world, secrets, { scope: "sms:nothing" });
  assert.equal((await call("GET", PATH, undefined, { token: weak })).status, 403);
  const wrong = await call("POST", "/ingress/notifications", [], {
    token: SECRETS.wrongNotificationsToken,
  });
  assert.equal(wrong.status, 401);
}

/** A password that upstream refuses first, then the good one. */
async function credentials(call: Call): Promise<void> {
  const keep = (password: string) =>
    call("PUT", "/v1/agents/me/credentials", { username: AGENT, password });
  assert.equal((await keep(SECRETS.wrongPassword)).status, 204);
  assert.notEqual((await call("GET", "/api/v2/me")).status, 200);
  assert.equal((await keep(`${SECRETS.agentPassword}\u0000`)).status, 400);
  assert.equal((await keep(SECRETS.agentPassword)).status, 204);
}

async function webhooks({ consumer, logged }: World, call: Call, secrets: Secrets): Promise<void> {
  const url = `${consumer.at("/hooks").url}?token=${SECRETS.webhookQuery}`;
  const headers = { "x-consumer": SECRETS.webhookHeader };
  const made = await call("POST", "/v1/webhooks", { url, headers });
  assert.equal(made.status, 201, made.text);
  const { id, secret } = JSON.parse(made.text);
  secrets.tokens.push(secret);
  consumer.at("/hooks").setSecret(secret);
  const rotated = await call("POST", `/v1/webhooks/${id}/rotate-secret`);
  secrets.tokens.push(JSON.parse(rotated.text).secret);
  await call("POST", `/v1/webhooks/${id}/ping`);
  await logged("delivery.attempted");
  const refused = await call("POST", "/v1/webhooks", {
    url: `https://user:${SECRETS.webhookQuery}@10.0.0.1/`,
  });
  assert.ok(refused.status >= 400);
}
