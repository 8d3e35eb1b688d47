import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { methodFallback } from "../../middleware/method_fallback.ts";
import { metricsRoutes } from "../../routes/metrics.ts";
import type { Metric } from "../../services/support/metrics.ts";
import { createMemoryLog } from "../support/memory_log.ts";

const TOKEN = "metrics-token-of-a-test";

function openApp(
  { clientIp = "127.0.0.1", metricsToken = null, metrics = [] }: {
    readonly clientIp?: string | null;
    readonly metricsToken?: string | null;
    readonly metrics?: readonly Metric[];
  } = {},
) {
  const app = new Hono<AppEnv>();
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.notFound(notFound);
  app.use(async (c, next) => {
    c.set("requestId", "request-1");
    c.set("clientIp", clientIp);
    await next();
  });
  app.use(methodFallback({ app }));
  return app.route("/", metricsRoutes({ metrics, metricsToken }));
}

Deno.test("GET /metrics tells each metric as it stands now, in Prometheus' text format", async () => {
  let losses = 1;
  const app = openApp({
    metrics: [
      { name: "patchbay_x_live", help: "Those that live", kind: "gauge", read: () => 2.5 },
      { name: "patchbay_losses_total", help: "What was lost", kind: "counter", read: () => losses },
    ],
  });
  await app.request("/metrics");
  losses = 3;
  const answer = await app.request("/metrics");
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.equal(
    await answer.text(),
    [
      "# HELP patchbay_x_live Those that live",
      "# TYPE patchbay_x_live gauge",
      "patchbay_x_live 2.5",
      "",
      "# HELP patchbay_losses_total What was lost",
      "# TYPE patchbay_losses_total counter",
      "patchbay_losses_total 3",
      "",
    ].join("\n"),
  );
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Who asks, with what, of a Patchbay that has the token or none; whether metrics are answered. */
const readers: [string, string | null, Record<string, string>, string | null, boolean][] = [
  ["a program on this machine", "127.0.0.1", {}, null, true],
  ["one on another loopback address", "127.8.9.1", {}, null, true],
  ["one by IPv6", "::1", {}, null, true],
  ["one by IPv4 in IPv6", "::ffff:127.0.0.1", {}, null, true],
  ["one, with a token set", "127.0.0.1", {}, TOKEN, true],
  ["one with another token", "127.0.0.1", bearer("x".repeat(16)), TOKEN, true],
  ["a stranger", "192.0.2.7", {}, null, false],
  ["nobody known", null, {}, null, false],
  ["a stranger who looks like loopback", "127.0.0.1.example", {}, null, false],
  ["a neighbour", "10.0.0.1", {}, null, false],
  ["a stranger with a token where none is set", "192.0.2.7", bearer(TOKEN), null, false],
  ["a stranger without the token", "192.0.2.7", {}, TOKEN, false],
  ["a stranger with another token", "192.0.2.7", bearer(`${TOKEN}x`), TOKEN, false],
  ["a stranger with a part of it", "192.0.2.7", bearer(TOKEN.slice(0, -1)), TOKEN, false],
  ["a stranger by another scheme", "192.0.2.7", { authorization: `Basic ${TOKEN}` }, TOKEN, false],
  ["whoever has the token", "192.0.2.7", bearer(TOKEN), TOKEN, true],
  ["whoever has it, by a proxy", "127.0.0.1", { ...bearer(TOKEN), via: "1.1 a" }, TOKEN, true],
  ...[
    { "x-forwarded-for": "192.0.2.7" },
    { "x-forwarded-for": "127.0.0.1" },
    { "forwarded": "for=127.0.0.1" },
    { "x-real-ip": "127.0.0.1" },
    { "x-forwarded-host": "a" },
    { "x-forwarded-proto": "https" },
    { "via": "1.1 a" },
  ].map((headers): [string, string, Record<string, string>, null, boolean] => [
    `somebody behind a proxy here (${Object.keys(headers)}: ${Object.values(headers)})`,
    "127.0.0.1",
    headers,
    null,
    false,
  ]),
];
for (const [who, clientIp, headers, metricsToken, mayRead] of readers) {
  Deno.test(`GET /metrics is ${mayRead ? "answered to" : "nothing to"} ${who}`, async () => {
    const app = openApp({ clientIp, metricsToken });
    const answer = await app.request("/metrics", { headers });
    await answer.body?.cancel();
    assert.equal(answer.status, mayRead ? 200 : 404);
  });
}

for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "FOO"]) {
  Deno.test(`${method} /metrics is for strangers what ${method} of an unknown path is, byte for byte`, async () => {
    const app = openApp({ clientIp: "192.0.2.7", metricsToken: TOKEN });
    const [there, nowhere] = await Promise.all(
      ["/metrics", "/metricz"].map(async (path) => {
        const answer = await app.request(path, { method });
        return [answer.status, [...answer.headers], await answer.text()];
      }),
    );
    assert.deepEqual(there, nowhere);
    assert.equal(there?.[0], 404);
  });
}

Deno.test("POST /metrics tells those who may read that it is read by GET", async () => {
  const answer = await openApp().request("/metrics", { method: "POST" });
  await answer.body?.cancel();
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("allow"), "GET, HEAD");
});
