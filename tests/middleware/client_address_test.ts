import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { clientAddress, forwardedAddress, networkOf } from "../../middleware/client_address.ts";

const entries: [string | undefined, number, string | null][] = [
  [undefined, 1, null],
  ["", 1, null],
  ["192.0.2.1", 0, null],
  ["192.0.2.1", 1, "192.0.2.1"],
  ["203.0.113.9, 192.0.2.1", 1, "192.0.2.1"],
  ["203.0.113.9, 192.0.2.1", 2, "203.0.113.9"],
  ["203.0.113.9, 192.0.2.1", 3, null],
  ["6.6.6.6,203.0.113.9,192.0.2.1", 2, "203.0.113.9"],
  [" 192.0.2.1 ", 1, "192.0.2.1"],
  ["192.0.2.1:4711", 1, "192.0.2.1"],
  ["2001:db8::1", 1, "2001:db8::1"],
  ["[2001:db8::1]", 1, "2001:db8::1"],
  ["[2001:db8::1]:4711", 1, "2001:db8::1"],
  ["unknown", 1, null],
  ["_hidden", 1, null],
  ["192.0.2.1,", 1, null],
  ["999.0.2.1", 1, null],
  ["192.0.2.1\u00a0x", 1, null],
];
for (const [header, hops, address] of entries) {
  Deno.test(`forwardedAddress() finds ${address} in ${JSON.stringify(header)} behind ${hops}`, () => {
    assert.equal(forwardedAddress(header, hops), address);
  });
}

function appBehind(trustProxyHops: number) {
  const app = new Hono<AppEnv>();
  app.use(clientAddress({ trustProxyHops }));
  return app.get("/", (c) => c.json(c.get("clientIp")));
}

Deno.test("clientAddress() says null where there is no socket", async () => {
  assert.equal(await (await appBehind(0).request("/")).json(), null);
});

Deno.test("clientAddress() says null for a peer without an address", async () => {
  const environment = { remoteAddr: { transport: "unix", path: "/run/x.sock" } };
  assert.equal(await (await appBehind(0).request("/", {}, environment)).json(), null);
});

for (
  const [hops, expected] of [
    [0, "127.0.0.1"],
    [1, "192.0.2.1"],
    [2, "6.6.6.6"],
    [3, "127.0.0.1"],
    [32, "127.0.0.1"],
  ] as const
) {
  Deno.test(`clientAddress() says ${expected} over a real connection behind ${hops} proxies`, async () => {
    const app = appBehind(hops);
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => app.fetch(request, info),
    );
    const answer = await fetch(`http://127.0.0.1:${server.addr.port}/`, {
      headers: { "x-forwarded-for": "6.6.6.6, 192.0.2.1" },
    });
    assert.equal(await answer.json(), expected);
  });
}

for (const hops of [-1, 0.5, NaN]) {
  Deno.test(`clientAddress() refuses ${hops} proxies`, () => {
    assert.throws(() => clientAddress({ trustProxyHops: hops }), RangeError);
  });
}

const networks: [string, string][] = [
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["", ""],
  ["unknown", "unknown"],
  ["::", "0:0:0:0"],
  ["::1", "0:0:0:0"],
  ["2001:db8::1", "8193:3512:0:0"],
  ["2001:0DB8:0000:0000:1:2:3:4", "8193:3512:0:0"],
  ["2001:db8:0:7::", "8193:3512:0:7"],
  ["1::2:3:4:5:6:7", "1:0:2:3"],
  ["fe80::1%eth0", "65152:0:0:0"],
];
for (const [address, network] of networks) {
  Deno.test(`networkOf() takes "${address}" for one of ${network}`, () => {
    assert.equal(networkOf(address), network);
  });
}
