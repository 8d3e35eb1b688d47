/** What the edge answers to whatever is asked of it, seen from outside. */
import assert from "node:assert/strict";
import { exchangeRaw } from "../support/raw_http.ts";
import { request } from "./client.ts";
import { readProblem } from "./shapes.ts";
import { openSqliteFile } from "./stores.ts";
import { ADMIN_SCOPES, AGENT_SCOPES, startWorld, type World } from "./world.ts";

const SCOPES = `${AGENT_SCOPES} ${ADMIN_SCOPES} opt-outs:read opt-outs:write`;

async function raw(world: World, line: string, fields: readonly string[] = []) {
  const head = [`${line} HTTP/1.1`, "Host: a", "Connection: close", ...fields].join("\r\n");
  const methods = [line.split(" ", 1)[0] ?? ""];
  const { answers, rest } = await exchangeRaw(world.patchbay.url, `${head}\r\n\r\n`, methods);
  assert.equal(rest, "");
  const [answer, ...more] = answers;
  assert.ok(answer);
  assert.deepEqual(more, []);
  return answer;
}

/** Every route that a GET has. */
async function readableRoutes(world: World): Promise<readonly string[]> {
  const agent = await world.agent("agent-1", SCOPES);
  const session = world.freshSession();
  await agent.accept(session);
  const webhook = await world.consumer();
  return [
    "/api/v2/me",
    "/api/v2/me/smssessions",
    `/api/v2/me/smssessions/${session}`,
    `/api/v2/me/smssessions/${session}/messages`,
    "/v1/sessions",
    `/v1/sessions/${session}`,
    "/v1/opt-outs",
    "/v1/webhooks",
    `/v1/webhooks/${webhook.id}`,
    "/v1/events",
    "/v1/deliveries",
    "/.well-known/webhook-keys",
    "/healthz",
    "/readyz",
    "/problems/not-found",
    "/v1/media/none",
    "/v1/events/none",
    "/nowhere",
  ];
}

Deno.test("the edge keeps to HTTP", async (t) => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { token } = await world.agent("agent-1", SCOPES);
  const authorization = `Authorization: Bearer ${token}`;

  await t.step("HEAD tells the status, the type and the length that GET has", async () => {
    for (const path of await readableRoutes(world)) {
      const id = "X-Request-Id: the-same";
      const got = await raw(world, `GET ${path}`, [authorization, id]);
      const head = await raw(world, `HEAD ${path}`, [authorization, id]);
      assert.equal(head.status, got.status, path);
      const length = head.headers.get("content-length");
      assert.equal(length, String(new TextEncoder().encode(got.body).length), path);
      for (const name of ["content-type", "cache-control", "x-content-type-options"]) {
        assert.ok(got.headers.has(name), `${path} lacks ${name}`);
        assert.equal(head.headers.get(name), got.headers.get(name), `${name} of ${path}`);
      }
    }
  });

  const SESSION = "/api/v2/me/smssessions/X";
  const shapes: [string, number, string, string?][] = [
    ["TRACE /healthz", 405, "method-not-allowed", "GET, HEAD"],
    ["TRACK /healthz", 405, "method-not-allowed", "GET, HEAD"],
    ["FOO /v1/webhooks", 405, "method-not-allowed", "GET, HEAD, POST"],
    ["get /healthz", 405, "method-not-allowed", "GET, HEAD"],
    [`PUT ${SESSION}`, 405, "method-not-allowed", "GET, HEAD, POST"],
    [`OPTIONS ${SESSION}`, 405, "method-not-allowed", "GET, HEAD, POST"],
    ["OPTIONS *", 404, "not-found"],
    ["TRACE /nowhere", 404, "not-found"],
    ["CONNECT a.example:443", 400, "invalid-parameter"],
    ["GET //api/v2/me", 404, "not-found"],
    ["GET /api//v2/me", 404, "not-found"],
    ["GET /api/v2/me/", 404, "not-found"],
    ["GET /api/v2/./me", 404, "not-found"],
    ["GET /api/v2/x/../me", 404, "not-found"],
    ["GET /api%2Fv2%2Fme", 404, "not-found"],
    ["GET /api/v2/me%2Fsmssessions", 404, "not-found"],
    ["GET /api/v2/me/smssessions/..%2F..%2Fusers", 404, "not-found"],
    ["GET /api/v2/me/smssessions/%2e%2e", 404, "not-found"],
    ["GET /api/v2/me/smssessions/a%00b", 404, "not-found"],
    ["GET /api/v2/me/smssessions/%", 404, "not-found"],
    ["GET /api/v2/me\\smssessions", 404, "not-found"],
    ["GET /API/V2/ME", 404, "not-found"],
    [`GET /api/v2/me/smssessions/${"x".repeat(30_000)}`, 404, "not-found"],
    [`GET /${"x".repeat(60_000)}`, 404, "not-found"],
  ];
  for (const [line, status, code, allow] of shapes) {
    await t.step(`${line.slice(0, 60)} is answered ${status}, as a problem`, async () => {
      const before = world.upstream.seen.length;
      const answer = await raw(world, line, [authorization]);
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
      assert.equal(answer.headers.get("allow"), allow);
      assert.equal(answer.headers.get("cache-control"), "no-store");
      const problem = readProblem(JSON.parse(answer.body));
      assert.equal(problem.type, `/problems/${code}`);
      assert.equal(problem.instance, answer.headers.get("x-request-id"));
      assert.equal(world.upstream.seen.length, before);
    });
  }

  await t.step("no header that a client forges reaches the contact centre", async () => {
    const agent = await world.agent("agent-1");
    const session = world.freshSession();
    await agent.send(`/api/v2/me/smssessions/${session}`, {
      json: { operationName: "Accept", nickname: "Ada" },
      headers: {
        "forwarded": "for=203.0.113.9;host=evil.example",
        "x-real-ip": "203.0.113.9",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "gopher",
        "x-forwarded-port": "1",
        "x-original-url": "/elsewhere",
        "via": "1.1 evil",
        "x-agent-id": "agent-2",
      },
    });
    const { headers } = await world.upstream.asked(session);
    assert.deepEqual([...headers].filter(([, value]) => /203\.0|evil|gopher/.test(value)), []);
    for (const name of ["forwarded", "x-real-ip", "x-forwarded-port", "x-agent-id"]) {
      assert.equal(headers.get(name), null, name);
    }
    assert.equal(headers.get("x-forwarded-for"), "127.0.0.1");
  });

  await t.step("what Connection names stays here, authorization too", async () => {
    const session = world.freshSession();
    const body = JSON.stringify({ operationName: "Accept", nickname: "Ada" });
    const head = [
      `POST /api/v2/me/smssessions/${session} HTTP/1.1`,
      "Host: a",
      authorization,
      "Accept-Language: ga",
      "TraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "Connection: close, Authorization, accept-language,TRACEPARENT",
      `Content-Length: ${body.length}`,
    ];
    world.upstream.answer(session, () =>
      Response.json({ statusCode: 0 }, {
        headers: { "connection": "retry-after", "retry-after": "5" },
      }));
    const { answers } = await exchangeRaw(
      world.patchbay.url,
      `${head.join("\r\n")}\r\n\r\n${body}`,
    );
    assert.equal(answers[0]?.headers.get("retry-after"), undefined);
    const { headers } = await world.upstream.asked(session);
    assert.equal(headers.get("authorization"), null);
    assert.equal(headers.get("traceparent"), null);
    assert.equal(headers.get("accept-language"), "*", "Deno's own");
  });

  await t.step("no log line grows with what is asked, or holds a number that is", async () => {
    const ids = ["x".repeat(30_000), "%2B16502530001", "tel:16502530001", "%0d%0ainjected"];
    for (const id of ids) {
      for (
        const path of ["/api/v2/me/smssessions/", "/v1/sessions/", "/v1/opt-outs/", "/nowhere/"]
      ) {
        await request(`${world.patchbay.url}${path}${id}?phone=%2B16502530001`, {
          headers: { "user-agent": "u".repeat(10_000) },
        });
      }
    }
    const last = await request(`${world.patchbay.url}/nowhere`);
    const requestId = last.headers.get("x-request-id");
    const lines = await world.patchbay.log.until(
      "the last request",
      (lines) => lines.some((line) => line.requestId === requestId) ? lines : undefined,
    );
    const requests = lines.filter(({ event }) => event === "http.request").map((line) =>
      JSON.stringify(line)
    );
    assert.ok(requests.length > 16);
    for (const line of requests) {
      assert.ok(line.length < 700, line.slice(0, 200));
      assert.ok(!line.includes("6502530001"), line);
    }
  });
});
