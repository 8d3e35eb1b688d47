import assert from "node:assert/strict";
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { requireAgent, requireScope } from "../../middleware/agent_auth.ts";
import type { AppEnv, Scope } from "../../middleware/app_env.ts";
import { createErrorHandler } from "../../middleware/problem_details.ts";
import { keysAt } from "../../services/auth/key_source.ts";
import { createRemoteKeySet } from "../../services/auth/remote_key_set.ts";
import { createTokenVerifier } from "../../services/auth/token_verifier.ts";
import { type JwksServer, startJwksServer } from "../support/jwks_server.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { NO_REVOCATIONS } from "../support/no_revocations.ts";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../../simulator/kit/tokens.ts";
import { createVirtualClock } from "../support/virtual_clock.ts";

const key = await createTestKey("EdDSA");

/** An app that says who is calling, over a key set at `server`. */
function appOver(server: JwksServer) {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const keySet = createRemoteKeySet({
    issuer: TEST_ISSUER,
    source: keysAt({ url: server.url, fetch }),
    algorithms: ["EdDSA"],
    clock,
    log,
  });
  const verifier = createTokenVerifier({
    keySets: new Map([[TEST_ISSUER, keySet]]),
    revocations: NO_REVOCATIONS,
    policy: {
      audiences: [TEST_AUDIENCE],
      algorithms: ["EdDSA"],
      clockToleranceS: 0,
      agentClaim: "sub",
      scopeClaim: "scope",
    },
    clock,
  });
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.onError(createErrorHandler({ log }));
  app.get("/me", requireAgent({ verifier }), (c) => c.text(c.get("agent").id));
  app.get("/sms", requireAgent({ verifier }), requireScope("sms:operate"), (c) => c.text("in"));
  const sign: typeof key.sign = (claims, overrides) =>
    key.sign(claims, { nowMs: clock.now(), ...overrides });
  const get = (path: string, authorization?: string) =>
    app.request(path, authorization === undefined ? {} : { headers: { authorization } });
  return { app, clock, sign, get };
}

async function assertRefused(
  answer: Response,
  expected: { status: number; code: string; challenge: string | null },
): Promise<void> {
  const { type } = await answer.json();
  assert.deepEqual({
    status: answer.status,
    code: type.replace("/problems/", ""),
    challenge: answer.headers.get("www-authenticate"),
  }, expected);
}

Deno.test("requireAgent() lets a good token through and sets the agent", async () => {
  await using server = startJwksServer();
  server.publish(key.jwks);
  const { sign, get } = appOver(server);
  for (const scheme of ["Bearer", "bearer", "BEARER ", "bEaReR"]) {
    const answer = await get("/me", `${scheme} ${await sign()}`);
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), "agent-1");
  }
});

const noToken: [string, string | undefined][] = [
  ["no authorization header", undefined],
  ["another scheme", "Basic YTpi"],
  ["a scheme that merely begins like it", "BearerX abc"],
];
for (const [name, authorization] of noToken) {
  Deno.test(`requireAgent() answers 401 without an error code to ${name}`, async () => {
    await using server = startJwksServer();
    const { get } = appOver(server);
    await assertRefused(await get("/me", authorization), {
      status: 401,
      code: "unauthenticated",
      challenge: 'Bearer realm="patchbay"',
    });
    assert.equal(server.requests, 0);
  });
}

const invalid = (description: string) => ({
  status: 401,
  code: "unauthenticated",
  challenge: `Bearer realm="patchbay", error="invalid_token", error_description="${description}"`,
});

const notOneToken: [string, string][] = [
  ["the scheme alone", "Bearer"],
  ["two tokens", "Bearer a.b.c a.b.c"],
  ["two headers", "Bearer a.b.c, Bearer a.b.c"],
  ["characters that tokens do not have", 'Bearer "a.b.c"'],
];
for (const [name, authorization] of notOneToken) {
  Deno.test(`requireAgent() answers 401 invalid_token to ${name}`, async () => {
    await using server = startJwksServer();
    const { get } = appOver(server);
    await assertRefused(
      await get("/me", authorization),
      invalid("the header does not hold exactly one token"),
    );
  });
}

Deno.test("requireAgent() answers 401 invalid_token and says what is wrong with a token", async () => {
  await using server = startJwksServer();
  server.publish(key.jwks);
  const { get, sign } = appOver(server);
  const bad: [string, string][] = [
    ["hunter2", "the token is not a signed JWT"],
    ["a".repeat(9_000), "the token is longer than 8 KiB"],
    [await sign({ exp: 1 }), "the token has expired"],
    [await sign({ aud: "other" }), "the token is for another audience"],
    [await sign({ iss: "other" }), "the token is from another issuer"],
    [await sign({ sub: "" }), "the token names no agent, or one by an id that cannot be one"],
    [await sign({}, { header: { kid: "other" } }), "no known key fits the token"],
  ];
  for (const [token, description] of bad) {
    await assertRefused(await get("/me", `Bearer ${token}`), invalid(description));
  }
});

Deno.test("requireAgent() never takes a token from the query", async () => {
  await using server = startJwksServer();
  server.publish(key.jwks);
  const { get, sign } = appOver(server);
  const answer = await get(`/me?access_token=${await sign()}`);
  assert.equal(answer.status, 401);
  await answer.body?.cancel();
});

Deno.test("requireAgent() answers 503 with Retry-After when no key set was ever had", async () => {
  await using server = startJwksServer();
  const { get, sign } = appOver(server);
  const answer = await get("/me", `Bearer ${await sign()}`);
  assert.equal(answer.headers.get("retry-after"), "30");
  await assertRefused(answer, { status: 503, code: "keys-unavailable", challenge: null });
});

Deno.test("requireAgent() answers 503 past the stale cap and 200 again once keys can be had", async () => {
  await using server = startJwksServer();
  server.publish(key.jwks);
  const { clock, get, sign } = appOver(server);
  const statusNow = async () => {
    const answer = await get("/me", `Bearer ${await sign()}`);
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await statusNow(), 200);
  server.answer(() => new Response(null, { status: 500 }));
  clock.advance(60 * 60_000);
  assert.equal(await statusNow(), 200, "stale keys serve");
  clock.advance(24 * 60 * 60_000);
  assert.equal(await statusNow(), 503);
  server.publish(key.jwks);
  clock.advance(60_000);
  assert.equal(await statusNow(), 200);
});

Deno.test("requireScope() lets an agent with the scope through", async () => {
  await using server = startJwksServer();
  server.publish(key.jwks);
  const { get, sign } = appOver(server);
  for (const scope of ["sms:operate", "sessions:read sms:operate", ["sms:operate"]]) {
    const answer = await get("/sms", `Bearer ${await sign({ scope })}`);
    assert.equal(await answer.text(), "in");
  }
});

Deno.test("requireScope() answers 403 and names the scope that is missing", async () => {
  await using server = startJwksServer();
  server.publish(key.jwks);
  const { get, sign } = appOver(server);
  for (const scope of [undefined, "sms:operate2", "SMS:OPERATE", ["sessions:read"]]) {
    await assertRefused(await get("/sms", `Bearer ${await sign({ scope })}`), {
      status: 403,
      code: "insufficient-scope",
      challenge: 'Bearer realm="patchbay", error="insufficient_scope", scope="sms:operate"',
    });
  }
});

Deno.test("requireScope() lets nobody through where requireAgent() was forgotten", async () => {
  const app = new Hono<AppEnv>();
  const log = createMemoryLog();
  app.onError(createErrorHandler({ log }));
  app.get("/", requireScope("sms:operate" satisfies Scope), (c) => c.text("in"));
  const answer = await app.request("/");
  assert.equal(answer.status, 500);
  await answer.body?.cancel();
});

Deno.test("requireAgent() and requireScope() return functions that stacks can name", async () => {
  await using server = startJwksServer();
  const { app } = appOver(server);
  const names = app.routes.map(({ handler }) => handler.name);
  assert.ok(names.includes("requireAgent") && names.includes("requireScope"));
});
