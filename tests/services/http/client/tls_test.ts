import assert from "node:assert/strict";
import { createDirectClient } from "../../../support/direct_client.ts";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { createHttpClient } from "../../../../services/http/client.ts";
import { createConnector, systemDialler } from "../../../../services/http/connector.ts";
import { startDeadline } from "../../../../services/http/deadline.ts";
import { systemClock } from "../../../../services/support/clock.ts";
import { createCertificates } from "../../../support/certificates.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";
import { ask, told } from "./sockets.ts";

const certificates = await createCertificates();
const { authority } = certificates;
const hooks = await certificates.make("hooks", "DNS:hooks.test,IP:127.0.0.1");
const patchbay = await certificates.make("patchbay", "DNS:patchbay.test");
await certificates[Symbol.asyncDispose]();

const TLS = { id: "the authority of a test", ca: [authority] };

/** A consumer with a certificate for `hooks.test`; every address leads to it. */
function listenTls() {
  const hosts: (string | null)[] = [];
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...hooks,
    onListen: () => {},
  }, (request) => {
    hosts.push(request.headers.get("host"));
    return new Response("ok");
  });
  const dialled: string[] = [];
  const connect = createConnector({
    addressesOf: () => Promise.resolve(["203.0.113.1"]),
    dialler: {
      ...systemDialler,
      dialStream(address, port, signal) {
        dialled.push(`${address} ${port}`);
        return systemDialler.dialStream("127.0.0.1", server.addr.port, signal);
      },
    },
    clock: systemClock,
  });
  const client = createHttpClient({ connect, clock: systemClock });
  return {
    client,
    hosts,
    dialled,
    async [Symbol.asyncDispose]() {
      client.close();
      await server.shutdown();
    },
  };
}

Deno.test("TLS goes to the address that was found, and its certificate has to bear the name", async () => {
  await using server = listenTls();
  const url = "https://hooks.test/in";
  for (const _ of [1, 2]) {
    assert.equal(told(await ask(server.client.transport, { url, tls: TLS })), '200 "ok"');
  }
  assert.deepEqual(server.dialled, ["203.0.113.1 443"]);
  assert.deepEqual(server.hosts, ["hooks.test", "hooks.test"]);
});

Deno.test("a certificate may be made out to the address itself", async () => {
  await using server = listenTls();
  const outcome = await ask(server.client.transport, { url: "https://127.0.0.1:8443/", tls: TLS });
  assert.equal(told(outcome), '200 "ok"');
  assert.deepEqual(server.dialled, ["203.0.113.1 8443"]);
});

for (
  const [what, url, tls, detail] of [
    [
      "for another name",
      "https://other.test/",
      TLS,
      /ERR_TLS_CERT_ALTNAME_INVALID: .*Host: other\.test/,
    ],
    ["for another address", "https://127.0.0.2/", TLS, /ERR_TLS_CERT_ALTNAME_INVALID/],
    ["for another IPv6 address", "https://[2001:db8::1]/", TLS, /ERR_TLS_CERT_ALTNAME_INVALID/],
    ["that nobody trusted vouches for", "https://hooks.test/", undefined, /unable to verify/],
  ] as const
) {
  Deno.test(`a certificate ${what} is a failed connection, and nothing is sent`, async () => {
    await using server = listenTls();
    const outcome = await ask(server.client.transport, {
      url,
      ...(tls === undefined ? {} : { tls }),
    });
    assert.ok(outcome.kind === "failure");
    assert.deepEqual([outcome.class, outcome.reached], ["connect-failed", "never"]);
    assert.match(outcome.detail, detail);
    assert.deepEqual(server.hosts, []);
  });
}

Deno.test("a certificate of our own is shown to whoever asks for one", async () => {
  const server = createServer({
    ...hooks,
    ca: authority,
    requestCert: true,
    rejectUnauthorized: true,
  }, (socket) => {
    const { CN } = socket.getPeerCertificate().subject;
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${CN}`);
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
  const client = createDirectClient();
  const url = `https://127.0.0.1:${port}/`;
  const own = { ...TLS, ...patchbay, id: "with a certificate" };
  assert.equal(told(await ask(client.transport, { url, tls: own })), '200 "patchbay of a test"');
  assert.equal((await ask(client.transport, { url, tls: TLS })).kind, "failure");
  client.close();
  await new Promise((resolve) => server.close(resolve));
});

for (const how of ["timeout", "aborted"] as const) {
  Deno.test(`a handshake that does not end by itself ends by ${how}, and nothing is sent`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const clock = createVirtualClock();
    const connect = createConnector({
      addressesOf: () => Promise.resolve(["127.0.0.1"]),
      dialler: systemDialler,
      clock,
    });
    const client = createHttpClient({ connect, clock });
    const giving = new AbortController();
    const deadline = startDeadline({ clock, timeoutMs: 1_000, signal: giving.signal });
    const url = `https://hooks.test:${listener.addr.port}/`;
    const outcome = ask(client.transport, { url, tls: TLS }, deadline);
    using connection = await listener.accept();
    await connection.read(new Uint8Array(4_096));
    if (how === "timeout") clock.advance(1_000);
    else giving.abort();
    const ended = await outcome;
    assert.ok(ended.kind === "failure");
    assert.deepEqual([ended.class, ended.reached], [how, "never"]);
    assert.equal(await connection.read(new Uint8Array(16)), null);
    listener.close();
  });
}
