/** Agents' desktops are web pages, metrics are for those who run Patchbay: who may read what, seen from outside. */
import assert from "node:assert/strict";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../../simulator/kit/tokens.ts";
import { startPatchbayProcess } from "../support/patchbay_process.ts";
import { exchangeRaw } from "../support/raw_http.ts";
import { request } from "./client.ts";
import { assertProblem } from "./problem.ts";
import { AGENT_SCOPES } from "./world.ts";

const DESKTOP = "https://desktop.example";
const METRICS_TOKEN = "a-metrics-token-of-tests";

const key = await createTestKey();
const token = await key.sign({ sub: "agent-1", scope: AGENT_SCOPES });

const ENV = {
  // Nobody listens there.
  UPSTREAM_URL: "http://127.0.0.1:2",
  JWT_ISSUER: TEST_ISSUER,
  JWT_AUDIENCE: TEST_AUDIENCE,
  JWT_PUBLIC_KEY: key.publicPem,
  SQLITE_PATH: ":memory:",
};

Deno.test("pages of CORS_ORIGINS may call the agent API and read its refusals", async (t) => {
  await using patchbay = await startPatchbayProcess({
    ...ENV,
    CORS_ORIGINS: `https://other.example,${DESKTOP}`,
    RATE_LIMIT_PER_AGENT: "1/s",
  });
  const SESSION = `${patchbay.url}/api/v2/me/smssessions/0000Na9B26EF002X`;
  const page = { origin: DESKTOP };
  const authorization = `Bearer ${token}`;

  await t.step("the browser's question needs no token", async () => {
    const asked = {
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,idempotency-key,traceparent",
    };
    const answer = await request(SESSION, { method: "OPTIONS", headers: { ...page, ...asked } });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get("access-control-allow-origin"), DESKTOP);
    const allowed = answer.headers.get("access-control-allow-headers")?.split(", ") ?? [];
    for (const name of asked["access-control-request-headers"].split(",")) {
      assert.ok(allowed.includes(name), name);
    }
    assert.equal(answer.headers.get("access-control-allow-credentials"), null);
  });

  const body = JSON.stringify({ operationName: "Accept", nickname: "Ada" });
  const refusals: [string, Parameters<typeof assertProblem>[1], Parameters<typeof request>[1]][] = [
    ["no token", "unauthenticated", { body }],
    ["a bad body", "invalid-body", { body: "{", headers: { authorization } }],
    ["too long a body", "body-too-large", {
      body: body + " ".repeat(70_000),
      headers: { authorization },
    }],
    ["too many requests", "rate-limited", { body, headers: { authorization } }],
  ];
  for (const [what, code, options = {}] of refusals) {
    await t.step(`the answer to ${what} can be read`, async () => {
      const answer = await request(SESSION, {
        ...options,
        headers: { ...options.headers, ...page },
      });
      assertProblem(answer, code);
      assert.equal(answer.headers.get("access-control-allow-origin"), DESKTOP);
      const exposed = answer.headers.get("access-control-expose-headers")?.split(", ") ?? [];
      for (const name of ["x-request-id", "retry-after", "idempotency-replayed", "ratelimit"]) {
        assert.ok(exposed.includes(name), name);
      }
      assert.equal(answer.headers.get("vary"), "Origin");
    });
  }

  await t.step("other pages may not, and none may manage", async () => {
    for (
      const [url, origin] of [
        [SESSION, "https://evil.example"],
        [SESSION, "null"],
        [`${patchbay.url}/v1/webhooks`, DESKTOP],
        [`${patchbay.url}/ingress/notifications`, DESKTOP],
      ] as const
    ) {
      const answer = await request(url, { body, headers: { origin } });
      assert.equal(answer.headers.get("access-control-allow-origin"), null, `${origin} ${url}`);
    }
  });
});

Deno.test("metrics are read by programs on this machine and by whoever has METRICS_TOKEN", async (t) => {
  await using patchbay = await startPatchbayProcess({
    ...ENV,
    METRICS_TOKEN,
    TRUST_PROXY_HOPS: "1",
  });
  const read = async (headers: Record<string, string>) =>
    (await request(`${patchbay.url}/metrics`, { headers })).status;
  const passedOn = { "x-forwarded-for": "203.0.113.9" };

  await t.step("by a program on this machine", async () => assert.equal(await read({}), 200));
  await t.step("with the token, from wherever", async () => {
    assert.equal(await read({ ...passedOn, authorization: `Bearer ${METRICS_TOKEN}` }), 200);
  });
  await t.step("not by those whom a proxy on this machine passes on", async () => {
    assert.equal(await read(passedOn), 404);
    assert.equal(await read({ "x-forwarded-for": "127.0.0.1, 203.0.113.9" }), 404);
    assert.equal(await read({ "x-forwarded-for": "127.0.0.1" }), 404);
    assert.equal(await read({ ...passedOn, authorization: `Bearer ${METRICS_TOKEN}x` }), 404);
  });

  await t.step("to others it is as if nothing were there, byte for byte", async () => {
    for (const method of ["GET", "HEAD", "POST", "DELETE", "TRACE", "OPTIONS"]) {
      const [there, nowhere] = await Promise.all(["/metrics", "/metricz"].map(async (path) => {
        const head = [
          `${method} ${path} HTTP/1.1`,
          "Host: a",
          "X-Forwarded-For: 203.0.113.9",
          "X-Request-Id: the-same",
          "Connection: close",
        ];
        const { answers } = await exchangeRaw(
          patchbay.url,
          `${head.join("\r\n")}\r\n\r\n`,
          [method],
        );
        const [{ status, headers, body }] = answers as [typeof answers[number]];
        return { status, headers: [...headers].filter(([name]) => name !== "date"), body };
      }));
      assert.deepEqual(there, nowhere, method);
      assert.equal(there?.status, 404, method);
    }
  });
});
