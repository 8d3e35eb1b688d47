import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { methodFallback } from "../../middleware/method_fallback.ts";
import { credentialRoutes } from "../../routes/credentials.ts";
import { NoUpstreamCredentials } from "../../services/contact_centre/rest/credentials.ts";
import { createTestVaults } from "../support/vault.ts";
import { appOf, createTestGuards, problemOf } from "./management_app.ts";

const PATH = "/v1/agents/me/credentials";
const { as, guards } = await createTestGuards();
const agent = await as("agent-1", "credentials:write");

function createBench() {
  const vaults = createTestVaults();
  const vault = vaults.vault();
  const app = appOf(credentialRoutes({ guards, vault }));
  const send = (method: string, body?: unknown, headers = agent) =>
    app.request(PATH, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    vaults,
    vault,
    app,
    send,
    put: (body: unknown, headers = agent) => send("PUT", body, headers),
    [Symbol.asyncDispose]: () => vaults[Symbol.asyncDispose](),
  };
}

Deno.test("PUT leaves the agent's own credentials and answers 204 without a body", async () => {
  await using bench = createBench();
  const answer = await bench.put({ username: "Aladdin", password: "open sesame" });
  assert.equal(answer.status, 204);
  assert.equal(await answer.text(), "");
  // RFC 7617 §2, its own example.
  const expected = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
  assert.equal(await bench.vault.authorizationFor("agent-1", null), expected);
  await assert.rejects(bench.vault.authorizationFor("agent-2", null), NoUpstreamCredentials);
});

Deno.test("DELETE removes them and answers 204, whether there are any or not", async () => {
  await using bench = createBench();
  await bench.put({ username: "u", password: "p" });
  assert.equal((await bench.send("DELETE")).status, 204);
  await assert.rejects(bench.vault.authorizationFor("agent-1", null), NoUpstreamCredentials);
  assert.equal((await bench.send("DELETE")).status, 204);
});

const taken: [string, unknown][] = [
  ["an empty password", { username: "ksippo", password: "" }],
  ["colons and spaces in a password", { username: "a b@c.example", password: "p: :w" }],
  ["any script", { username: "Zoë 张", password: "пароль😀" }],
  ["the longest of both", { username: "u".repeat(256), password: "p".repeat(1024) }],
  ["members that it does not know", { username: "u", password: "p", place: "x" }],
];
for (const [what, body] of taken) {
  Deno.test(`PUT takes ${what}`, async () => {
    await using bench = createBench();
    assert.equal((await bench.put(body)).status, 204);
  });
}

const refused: [what: string, body: unknown, code: string, about: RegExp][] = [
  ["an array", [], "invalid-body", /a JSON object with username and password$/],
  ["no user name", { password: "hunter2" }, "invalid-parameter", /^Cannot use username: /],
  ["an empty user name", { username: "", password: "hunter2" }, "invalid-parameter", /username/],
  ["a colon", { username: "hunter2:x", password: "p" }, "invalid-parameter", /username.* colon/],
  ["a line break", { username: "hunter2\n", password: "p" }, "invalid-parameter", /username/],
  ["a long user name", { username: "u".repeat(257), password: "" }, "invalid-parameter", /256/],
  ["no password", { username: "hunter2" }, "invalid-parameter", /^Cannot use password: /],
  ["a password of null", { username: "u", password: null }, "invalid-parameter", /password/],
  ["a NUL", { username: "u", password: "hunter2\0" }, "invalid-parameter", /password.* control/],
  ["a C1 control", { username: "u", password: "hunter2\x85" }, "invalid-parameter", /password/],
  [
    "half a character",
    { username: "u", password: "hunter2\ud800" },
    "invalid-parameter",
    /password/,
  ],
  ["a long password", { username: "u", password: "p".repeat(1025) }, "invalid-parameter", /1024/],
];
for (const [what, body, code, about] of refused) {
  Deno.test(`PUT refuses ${what} without repeating it`, async () => {
    await using bench = createBench();
    const problem = await problemOf(await bench.put(body));
    assert.equal(problem.code, code);
    assert.match(problem.detail, about);
    assert.doesNotMatch(problem.detail, /hunter2/);
    assert.equal(await bench.vaults.kept("agent-1"), null);
  });
}

Deno.test("both need the scope credentials:write", async () => {
  await using bench = createBench();
  const other = await as("agent-1", "sms:operate", "sessions:write", "webhooks:write");
  for (const method of ["PUT", "DELETE"]) {
    const answer = await bench.send(method, { username: "u", password: "p" }, other);
    assert.equal((await problemOf(answer)).code, "insufficient-scope");
    assert.equal((await bench.send(method, {}, {} as typeof other)).status, 401);
  }
});

Deno.test("there is no reading them: GET is 405", async () => {
  await using vaults = createTestVaults();
  const app = new Hono<AppEnv>();
  app.use(methodFallback({ app }));
  app.route("/", appOf(credentialRoutes({ guards, vault: vaults.vault() })));
  app.onError((error) => Response.json({ message: error.message }, { status: 405 }));
  const answer = await app.request(PATH, { headers: agent });
  assert.equal(answer.status, 405);
  assert.match((await answer.json()).message, /expected DELETE or PUT/);
});

Deno.test("without UPSTREAM_AUTH=vault both are 404 and say why", async () => {
  const app = appOf(credentialRoutes({ guards, vault: null }));
  for (const [method, body] of [["PUT", '{"username":"u"}'], ["DELETE", null]] as const) {
    const problem = await problemOf(await app.request(PATH, { method, body, headers: agent }));
    assert.equal(problem.code, "not-found");
    assert.match(problem.detail, /UPSTREAM_AUTH=vault/);
  }
});

Deno.test("PUT and DELETE answer 503 while the store is away", async () => {
  await using bench = createBench();
  bench.vaults.setAway(true);
  for (const method of ["PUT", "DELETE"]) {
    const answer = await bench.send(method, { username: "u", password: "p" });
    assert.equal((await problemOf(answer)).code, "store-unavailable");
  }
});
