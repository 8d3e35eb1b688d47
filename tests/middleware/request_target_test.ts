import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler } from "../../middleware/problem_details.ts";
import { plainTarget } from "../../middleware/request_target.ts";
import { createMemoryLog } from "../support/memory_log.ts";

const app = new Hono<AppEnv>();
app.onError(createErrorHandler({ log: createMemoryLog() }));
app.use(plainTarget());
app.get("*", (c) => c.text("in"));

/** As `Deno.serve` hands it over: `url` is the text that it has put together, and no more. */
async function ask(url: string, host?: string): Promise<number> {
  const headers = new Headers(host === undefined ? {} : { host });
  const request = new Proxy(new Request("http://a/", { headers }), {
    get: (target, name) => name === "url" ? url : Reflect.get(target, name),
  });
  const answer = await app.fetch(request);
  await answer.body?.cancel();
  return answer.status;
}

const cases: [number, string, string?][] = [
  [200, "http://localhost:8000/a"],
  [200, "http://localhost:8000/a", ""],
  [200, "http://a_b.example/a#b?c", "a_b.example"],
  [200, "HTTPS://A.EXAMPLE:443/", "A.EXAMPLE:443"],
  [200, "http://[::1]:80/", "[::1]:80"],
  [400, "http://a/v1/sessions?/healthz", "a/v1/sessions?"],
  [400, "http://a?b/healthz", "a?b"],
  [400, "http://a#b/healthz", "a#b"],
  [400, "http://a/healthz", "a/healthz"],
  [400, "http://a b/", "a b"],
  [400, "http://u@a/", "u@a"],
  [400, "http://a:b/", "a:b"],
  [400, "http://[::1/", "[::1"],
  [400, `http://${"a".repeat(254)}/`, "a".repeat(254)],
  [400, "http://a", "a"],
  [400, "http://evil.example:443", "a"],
  [400, "http://evil.example?x/v1", "a"],
  [400, "http://u:p@evil.example/v1", "a"],
  [400, "ftp://evil.example/v1", "a"],
  [400, "http:///v1", "a"],
];
for (const [status, url, host] of cases) {
  Deno.test(`plainTarget() answers ${status} to ${url.slice(0, 40)} with ${host === undefined ? "no Host" : `the Host "${host.slice(0, 20)}"`}`, async () => {
    assert.equal(await ask(url, host), status);
  });
}
