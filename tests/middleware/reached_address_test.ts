import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { forwardedValue, reachedAddress } from "../../middleware/reached_address.ts";

const values: [string | undefined, number, string | null][] = [
  [undefined, 1, null],
  ["https", 0, null],
  ["https", 1, "https"],
  ["https", 2, "https"],
  ["forged, https", 1, "https"],
  ["forged,https , http", 2, "https"],
  ["https,http", 3, "https"],
  ["", 1, ""],
];
for (const [header, hops, value] of values) {
  Deno.test(`forwardedValue() finds ${JSON.stringify(value)} in ${JSON.stringify(header)} behind ${hops}`, () => {
    assert.equal(forwardedValue(header, hops), value);
  });
}

const TOLD = { "x-forwarded-proto": "HTTPS", "x-forwarded-host": "patchbay.example:8443" };
const ASKED = { proto: "http", host: "10.0.0.5:8000" };
const cases: [string, number, Record<string, string>, { proto: string; host: string }][] = [
  ["no client at its word", 0, TOLD, ASKED],
  ["a TLS proxy", 1, TOLD, { proto: "https", host: "patchbay.example:8443" }],
  ["a proxy that tells the scheme alone", 1, { "x-forwarded-proto": "https" }, {
    proto: "https",
    host: "10.0.0.5:8000",
  }],
  ["a proxy that tells an address", 1, { "x-forwarded-host": "[2001:db8::1]:443" }, {
    proto: "http",
    host: "[2001:db8::1]:443",
  }],
  ["no scheme but the two of HTTP", 1, { "x-forwarded-proto": "gopher" }, ASKED],
  ["no host that is none", 1, { "x-forwarded-host": "a b" }, ASKED],
  ["no host with more than host and port", 1, { "x-forwarded-host": "a@b.example/x" }, ASKED],
  ["nothing empty", 1, { "x-forwarded-host": "", "x-forwarded-proto": "" }, ASKED],
];
for (const [whom, trustProxyHops, headers, expected] of cases) {
  Deno.test(`reachedAddress() believes ${whom}`, async () => {
    const app = new Hono<AppEnv>();
    app.use(reachedAddress({ trustProxyHops }));
    app.get("/", (c) => c.json(c.get("reachedAt")));
    const answer = await app.request("http://10.0.0.5:8000/", { headers });
    assert.deepEqual(await answer.json(), expected);
  });
}
