import assert from "node:assert/strict";
import { createHttpClient } from "../../../../services/http/client.ts";
import { systemDialler } from "../../../../services/http/connector.ts";
import { NotSent } from "../../../../services/http/network_failure.ts";
import { createTunnelConnector } from "../../../../services/http/tunnel.ts";
import { systemClock } from "../../../../services/support/clock.ts";
import { createCertificates } from "../../../support/certificates.ts";
import { startProxy } from "../../../support/connect_proxy.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";
import { startDeadline } from "../../../../services/http/deadline.ts";
import { ask, told } from "./sockets.ts";

const certificates = await createCertificates();
const { authority } = certificates;
const hooks = await certificates.make("hooks", "DNS:hooks.test,IP:127.0.0.1");
await certificates[Symbol.asyncDispose]();

const TLS = { id: "the authority of a test", ca: [authority] };

interface Options {
  readonly proxy: URL;
  readonly hosts?: readonly string[];
}

/** A client that goes through the proxy, whose name stands for loopback. */
function clientThrough({ proxy, hosts = ["203.0.113.1"] }: Options) {
  const connect = createTunnelConnector({
    proxy,
    resolve: () => Promise.resolve(["127.0.0.1"]),
    hostsOf: () => Promise.resolve(hosts),
    dialler: systemDialler,
    clock: systemClock,
  });
  return createHttpClient({ connect, clock: systemClock });
}

function serveHooks(secure: boolean) {
  const hosts: (string | null)[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...(secure ? hooks : {}) },
    (request) => {
      hosts.push(request.headers.get("host"));
      return new Response("ok");
    },
  );
  return { hosts, port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

for (const secure of [true, false]) {
  const scheme = secure ? "https" : "http";
  Deno.test(`a request for ${scheme} goes through the proxy, to the address that was judged`, async () => {
    await using server = serveHooks(secure);
    await using proxy = startProxy({ route: () => server.port });
    const client = clientThrough({ proxy: new URL(`http://proxy.test:${proxy.port}`) });
    const addresses: string[] = [];
    for (const _ of [1, 2]) {
      const outcome = await ask(client.transport, {
        url: `${scheme}://hooks.test:8443/in`,
        tls: TLS,
        onAddress: (address) => addresses.push(address),
      });
      assert.equal(told(outcome), '200 "ok"');
    }
    assert.deepEqual(proxy.asked, ["CONNECT 203.0.113.1:8443 HTTP/1.1"]);
    assert.deepEqual(proxy.authorizations, [null]);
    assert.deepEqual(server.hosts, ["hooks.test:8443", "hooks.test:8443"]);
    assert.deepEqual(new Set(addresses), new Set(["203.0.113.1"]));
    client.close();
  });
}

Deno.test("the certificate behind the proxy has to bear the target's name", async () => {
  await using server = serveHooks(true);
  await using proxy = startProxy({ route: () => server.port });
  const client = clientThrough({ proxy: new URL(`http://127.0.0.1:${proxy.port}`) });
  const outcome = await ask(client.transport, { url: "https://other.test/", tls: TLS });
  assert.ok(outcome.kind === "failure");
  assert.deepEqual([outcome.class, outcome.reached], ["connect-failed", "never"]);
  assert.match(outcome.detail, /ERR_TLS_CERT_ALTNAME_INVALID/);
  assert.deepEqual(server.hosts, []);
});

Deno.test("a user and a password are shown to the proxy, and to it alone", async () => {
  await using server = serveHooks(true);
  await using proxy = startProxy({ route: () => server.port });
  const client = clientThrough({
    proxy: new URL(`http://us%20er:p%40ss%C3%A9@127.0.0.1:${proxy.port}`),
  });
  assert.equal(
    told(await ask(client.transport, { url: "https://hooks.test/", tls: TLS })),
    '200 "ok"',
  );
  const credentials = new TextDecoder().decode(
    Uint8Array.fromBase64(proxy.authorizations[0]?.replace("Basic ", "") ?? ""),
  );
  assert.equal(credentials, "us er:p@ssé");
  client.close();
});

Deno.test("names and IPv6 addresses are written as the proxy reads them", async () => {
  await using server = serveHooks(false);
  await using proxy = startProxy({ route: () => server.port });
  for (const host of ["hooks.test", "2001:db8::1"]) {
    const client = clientThrough({
      proxy: new URL(`http://127.0.0.1:${proxy.port}`),
      hosts: [host],
    });
    await ask(client.transport, { url: "http://hooks.test/" });
    client.close();
  }
  assert.deepEqual(proxy.asked, [
    "CONNECT hooks.test:80 HTTP/1.1",
    "CONNECT [2001:db8::1]:80 HTTP/1.1",
  ]);
});

Deno.test("a host that the proxy cannot reach makes way for the next", async () => {
  await using server = serveHooks(false);
  await using proxy = startProxy({
    route: (authority) => authority.startsWith("203.0.113.1") ? "502 Bad Gateway" : server.port,
  });
  const client = clientThrough({
    proxy: new URL(`http://127.0.0.1:${proxy.port}`),
    hosts: ["203.0.113.1", "203.0.113.2"],
  });
  assert.equal(told(await ask(client.transport, { url: "http://hooks.test/" })), '200 "ok"');
  assert.equal(proxy.asked.length, 2);
  client.close();
});

const REFUSALS: readonly [answer: string, kind: string, asked: number][] = [
  ["407 Proxy Authentication Required", "proxy-failed", 1],
  ["403 Forbidden", "proxy-failed", 1],
  ["302 Elsewhere\r\nlocation: http://127.0.0.1/", "proxy-failed", 1],
  ["504 Gateway Timeout", "connect-failed", 2],
  ["hangs up", "proxy-failed", 1],
  ["speaks nonsense", "proxy-failed", 1],
];
for (const [answer, kind, asked] of REFUSALS) {
  Deno.test(`a proxy that ${/^\d/.test(answer) ? `answers ${answer.slice(0, 3)}` : answer} lets nothing through`, async () => {
    await using proxy = startProxy({ route: () => answer });
    const client = clientThrough({
      proxy: new URL(`http://user:s3cret@127.0.0.1:${proxy.port}`),
      hosts: ["203.0.113.1", "203.0.113.2"],
    });
    const outcome = await ask(client.transport, { method: "POST", url: "http://hooks.test/" });
    assert.ok(outcome.kind === "failure");
    assert.equal(outcome.reached, "never");
    assert.equal(outcome.class, kind);
    assert.doesNotMatch(outcome.detail, /s3cret/);
    assert.equal(proxy.asked.length, asked);
  });
}

Deno.test("a proxy that is not there is a failure of the proxy's", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const client = clientThrough({ proxy: new URL(`http://127.0.0.1:${listener.addr.port}`) });
  const outcome = await ask(client.transport, { url: "http://hooks.test/" });
  assert.ok(outcome.kind === "failure");
  assert.deepEqual([outcome.class, outcome.reached], ["proxy-failed", "never"]);
});

Deno.test("what the guard refuses is not asked of the proxy", async () => {
  await using proxy = startProxy({ route: () => "200 ok" });
  const connect = createTunnelConnector({
    proxy: new URL(`http://127.0.0.1:${proxy.port}`),
    resolve: () => Promise.resolve(["127.0.0.1"]),
    hostsOf: () => Promise.reject(new NotSent("egress-refused", "it is not public")),
    dialler: systemDialler,
    clock: systemClock,
  });
  const client = createHttpClient({ connect, clock: systemClock });
  assert.equal(told(await ask(client.transport)), "egress-refused");
  assert.deepEqual(proxy.asked, []);
});

Deno.test("a proxy that does not answer is given up with the deadline, and hung up on", async () => {
  const clock = createVirtualClock();
  const asked = Promise.withResolvers<void>();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = clientThrough({ proxy: new URL(`http://127.0.0.1:${listener.addr.port}`) });
  const deadline = startDeadline({ clock, timeoutMs: 1_000 });
  const outcome = ask(client.transport, { url: "http://hooks.test/" }, deadline);
  using connection = await listener.accept();
  await connection.read(new Uint8Array(1_024));
  asked.resolve();
  clock.advance(1_000);
  const ended = await outcome;
  assert.ok(ended.kind === "failure");
  assert.deepEqual([ended.class, ended.reached], ["timeout", "never"]);
  assert.equal(await connection.read(new Uint8Array(1)), null);
  listener.close();
});
