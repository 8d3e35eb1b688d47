import assert from "node:assert/strict";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../../simulator/kit/tokens.ts";
import { createClient, request } from "./client.ts";
import { REQUEST_ERRORS } from "./errors_of_requests.ts";
import { TOKEN_ERRORS } from "./errors_of_tokens.ts";
import { UPSTREAM_ERRORS } from "./errors_of_upstream.ts";
import { type Environment, startPatchbayProcess } from "../support/patchbay_process.ts";
import { assertProblem } from "./problem.ts";
import { openSqliteFile } from "./stores.ts";
import { AGENT_SCOPES, startWorld } from "./world.ts";

Deno.test("errors have one shape, whatever is wrong", async (t) => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { UPSTREAM_TIMEOUT_MS: "1000" });
  for (const { says, run } of [...TOKEN_ERRORS, ...REQUEST_ERRORS, ...UPSTREAM_ERRORS]) {
    await t.step(says, () => run(world));
  }
});

/** Nobody listens there, and nobody is given this port by chance, as may happen with one that was free before. */
const NOWHERE = "http://127.0.0.1:2";

/** A Patchbay without anything around it. */
const LONELY: Environment = {
  UPSTREAM_URL: NOWHERE,
  JWT_ISSUER: TEST_ISSUER,
  JWT_AUDIENCE: TEST_AUDIENCE,
  SQLITE_PATH: ":memory:",
};

const key = await createTestKey();
const tokenOf = (sub: string) => key.sign({ sub, scope: AGENT_SCOPES });

Deno.test("a contact centre that is down is 502, and the session stays free", async () => {
  await using patchbay = await startPatchbayProcess({ ...LONELY, JWT_PUBLIC_KEY: key.publicPem });
  for (const name of ["agent-1", "agent-2"]) {
    const agent = createClient(() => patchbay.url, await tokenOf(name));
    assertProblem(await agent.accept("0000Na9B26EF002X"), "upstream-unavailable");
    assertProblem(await agent.get("/api/v2/me"), "upstream-unavailable");
  }
});

Deno.test("without NOTIFICATIONS_TOKEN there is no ingress: 404", async () => {
  await using patchbay = await startPatchbayProcess({ ...LONELY, JWT_PUBLIC_KEY: key.publicPem });
  const url = `${patchbay.url}/ingress/notifications`;
  for (const token of ["", "a-token", await tokenOf("agent-1")]) {
    const headers = { authorization: `Bearer ${token}` };
    assertProblem(await request(url, { json: {}, headers }), "not-found");
  }
  assert.equal(await patchbay.stop(), 0);
});

Deno.test("an agent that asks too often is 429, another one is not", async () => {
  await using patchbay = await startPatchbayProcess({
    ...LONELY,
    JWT_PUBLIC_KEY: key.publicPem,
    RATE_LIMIT_PER_AGENT: "1/s",
  });
  const [one, two] = await Promise.all(
    ["agent-1", "agent-2"].map(async (name) =>
      createClient(() => patchbay.url, await tokenOf(name))
    ),
  );
  assert.ok(one && two);
  const answers = await Promise.all(Array.from({ length: 8 }, () => one.get("/v1/sessions")));
  const passed = answers.filter(({ status }) => status === 200);
  // Twice the rate at once, and what comes in anew while the eight are on their way.
  assert.ok(passed.length >= 2 && passed.length <= 4, `${passed.length} of 8 passed`);
  for (const answer of answers) {
    if (answer.status === 200) continue;
    assertProblem(answer, "rate-limited");
    assert.ok(answer.headers.get("ratelimit"), "no ratelimit header");
  }
  assert.equal((await two.get("/v1/sessions")).status, 200);
});

Deno.test("without the issuer's keys nobody can be verified: 503", async () => {
  await using patchbay = await startPatchbayProcess({
    ...LONELY,
    JWKS_URL: `${NOWHERE}/jwks.json`,
  });
  const agent = createClient(() => patchbay.url, await tokenOf("agent-1"));
  assertProblem(await agent.accept("0000Na9B26EF002X"), "keys-unavailable");
  assert.equal((await request(`${patchbay.url}/healthz`)).status, 200);
});
