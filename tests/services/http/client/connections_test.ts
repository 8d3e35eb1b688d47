import assert from "node:assert/strict";
import { createDirectClient } from "../../../support/direct_client.ts";
import { createHttpClient } from "../../../../services/http/client.ts";
import { createConnector, systemDialler } from "../../../../services/http/connector.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";
import { ask, bytesOf, listenRaw, readRequest, told } from "./sockets.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Answers every request of every connection, with what `answer` says, as long as it says something. */
function listenAnswering(answer: (request: string, connection: number, count: number) => string) {
  return listenRaw(async (connection, index) => {
    for (let count = 0;; count++) {
      const request = await readRequest(connection);
      if (request === null) return;
      const text = answer(request, index, count);
      if (text === "") return;
      await connection.write(bytesOf(text));
    }
  });
}

Deno.test("one request after the other goes over the same connection, also after errors and without bodies", async () => {
  const answers = [
    OK,
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
    `HTTP/1.1 100 Continue\r\n\r\n${OK}`,
    "HTTP/1.1 307 Elsewhere\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
  ];
  await using server = listenAnswering((_request, _connection, count) => answers[count] ?? "");
  const client = createDirectClient();
  const seen: string[] = [];
  for (const _ of answers) seen.push(told(await ask(client.transport, { url: server.url })));
  assert.deepEqual(seen, ['200 "ok"', '204 ""', '500 "no"', '304 ""', '200 "ok"', '307 ""']);
  assert.equal(server.connections(), 1);
  client.close();
});

Deno.test("two requests at once have a connection each, and both are kept", async () => {
  await using server = listenAnswering(() => OK);
  const client = createDirectClient();
  const two = () => Promise.all([0, 1].map(() => ask(client.transport, { url: server.url })));
  await two();
  await two();
  assert.equal(server.connections(), 2);
  client.close();
});

const LAST_ANSWERS: readonly [what: string, answer: string][] = [
  ["says close", "HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 2\r\n\r\nok"],
  [
    "says close among others",
    "HTTP/1.1 200 OK\r\nconnection: x, close\r\ncontent-length: 2\r\n\r\nok",
  ],
  ["speaks HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"],
  [
    "tells a length beside chunks",
    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ],
  ["goes on after the end", `${OK}HTTP/1.1 500 Forged\r\ncontent-length: 0\r\n\r\n`],
  [
    "waits for less than a second",
    "HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok",
  ],
];
for (const [what, answer] of LAST_ANSWERS) {
  Deno.test(`a connection whose answer ${what} is not used again`, async () => {
    await using server = listenAnswering(() => answer);
    const client = createDirectClient();
    for (const count of [1, 2]) {
      assert.equal(told(await ask(client.transport, { url: server.url })), '200 "ok"');
      assert.equal(server.connections(), count);
    }
    client.close();
  });
}

Deno.test("bytes that come while nobody asks end the connection, and answer nobody", async () => {
  const forged = Promise.withResolvers<void>();
  const seen = Promise.withResolvers<void>();
  await using server = listenRaw(async (connection, index) => {
    await readRequest(connection);
    await connection.write(bytesOf(OK));
    if (index > 0) return;
    await forged.promise;
    await connection.write(bytesOf("HTTP/1.1 500 Forged\r\ncontent-length: 0\r\n\r\n"));
    assert.equal(await readRequest(connection), null);
    seen.resolve();
  });
  const client = createDirectClient();
  await ask(client.transport, { url: server.url });
  forged.resolve();
  await seen.promise;
  assert.equal(told(await ask(client.transport, { url: server.url })), '200 "ok"');
  client.close();
});

Deno.test("a connection that the other side has closed meanwhile is not used again", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = listenRaw(async (connection, index) => {
    await readRequest(connection);
    await connection.write(bytesOf(OK));
    if (index > 0) return;
    await connection.closeWrite();
    // The client hangs up as soon as it sees the FIN, though it asks for nothing.
    assert.equal(await readRequest(connection), null);
    closed.resolve();
  });
  const client = createDirectClient();
  await ask(client.transport, { url: server.url });
  await closed.promise;
  assert.equal(told(await ask(client.transport, { method: "POST", url: server.url })), '200 "ok"');
  assert.equal(server.connections(), 2);
  client.close();
});

Deno.test("a request over a connection that dies under it is sent once, and may have arrived", async () => {
  const requests: string[] = [];
  await using server = listenAnswering((request, _connection, count) => {
    requests.push(request);
    return count === 0 ? OK : "";
  });
  const client = createDirectClient();
  await ask(client.transport, { url: server.url });
  const lost = await ask(client.transport, {
    method: "POST",
    url: server.url,
    body: bytesOf("{}"),
  });
  assert.ok(lost.kind === "failure");
  assert.deepEqual([lost.class, lost.reached, lost.begun], ["connection-lost", "maybe", null]);
  assert.equal(requests.length, 2);
  assert.equal(server.connections(), 1);
  client.close();
});

Deno.test("an answer before the request has been sent is the answer, and the connection's last", async () => {
  await using server = listenRaw(async (connection) => {
    await connection.read(new Uint8Array(1_024));
    await connection.write(bytesOf("HTTP/1.1 413 Too Long\r\ncontent-length: 2\r\n\r\nno"));
    // Nothing more is read, so the rest of the body never leaves; the client hangs up when it has its answer.
    await connection.closeWrite();
    while (await connection.read(new Uint8Array(65_536)).catch(() => null) !== null);
  });
  const client = createDirectClient();
  const body = new Uint8Array(32 * 1_024 * 1_024);
  const outcome = await ask(client.transport, { method: "POST", url: server.url, body });
  assert.equal(told(outcome), '413 "no"');
  client.close();
});

Deno.test("how long the other side waits is heeded, less a second; without a word it is a minute", async () => {
  const clock = createVirtualClock();
  let keepAlive = "keep-alive: timeout=5, max=100\r\n";
  await using server = listenAnswering(() =>
    `HTTP/1.1 200 OK\r\n${keepAlive}content-length: 2\r\n\r\nok`
  );
  const client = createDirectClient({ clock });
  const used = async () => {
    await ask(client.transport, { url: server.url });
    return server.connections();
  };
  assert.equal(await used(), 1);
  clock.advance(3_999);
  assert.equal(await used(), 1);
  clock.advance(4_000);
  keepAlive = "";
  assert.equal(await used(), 2);
  clock.advance(59_999);
  assert.equal(await used(), 2);
  clock.advance(60_000);
  assert.equal(await used(), 3);
  client.close();
  assert.equal(clock.pending(), 0);
});

Deno.test("what nobody uses is closed without anybody asking", async () => {
  const clock = createVirtualClock();
  const hungUp = Promise.withResolvers<void>();
  await using server = listenRaw(async (connection) => {
    await readRequest(connection);
    await connection.write(bytesOf(OK));
    assert.equal(await readRequest(connection), null);
    hungUp.resolve();
  });
  const client = createDirectClient({ clock });
  await ask(client.transport, { url: server.url });
  clock.advance(120_000);
  await hungUp.promise;
  assert.equal(clock.pending(), 0);
});

Deno.test("close() closes what is idle at once and what is under way at its end", async () => {
  const goOn = Promise.withResolvers<void>();
  const hungUp = Promise.withResolvers<void>();
  await using server = listenRaw(async (connection, index) => {
    await readRequest(connection);
    if (index === 1) await goOn.promise;
    await connection.write(bytesOf(OK));
    assert.equal(await readRequest(connection), null);
    hungUp.resolve();
  });
  const client = createDirectClient();
  const both = [0, 1].map(() => ask(client.transport, { url: server.url }));
  await Promise.race(both);
  client.close();
  await hungUp.promise;
  goOn.resolve();
  assert.deepEqual((await Promise.all(both)).map(told), ['200 "ok"', '200 "ok"']);
});

Deno.test("hosts, ports, schemes and TLS options of their own share no connection", async () => {
  const dialled: string[] = [];
  await using server = listenAnswering(() => OK);
  const { port } = new URL(server.url);
  const clock = createVirtualClock();
  const connect = createConnector({
    addressesOf: ({ hostname }) => Promise.resolve([hostname]),
    dialler: {
      ...systemDialler,
      dial(address, port, signal) {
        dialled.push(address);
        return systemDialler.dial("127.0.0.1", port, signal);
      },
    },
    clock,
  });
  const client = createHttpClient({ connect, clock });
  for (const host of ["127.0.0.1", "one.test", "two.test", "one.test"]) {
    await ask(client.transport, { url: `http://${host}:${port}/` });
  }
  for (const id of ["a", "b", "a"]) {
    await ask(client.transport, { url: `http://one.test:${port}/`, tls: { id } });
  }
  assert.deepEqual(dialled, ["127.0.0.1", "one.test", "two.test", "one.test", "one.test"]);
  client.close();
});
