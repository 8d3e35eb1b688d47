import assert from "node:assert/strict";
import { createDirectClient } from "../../../support/direct_client.ts";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { ask, bytesOf, listenRaw, readRequest, textOf, told } from "./sockets.ts";

function listenCompressed(coding: string, bytes: Uint8Array) {
  const head = bytesOf(
    `HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\ncontent-length: ${bytes.length}\r\n\r\n`,
  );
  return listenRaw(async (connection) => {
    while (await readRequest(connection) !== null) {
      for (const part of [head, bytes]) {
        for (let sent = 0; sent < part.length;) {
          // Whoever has enough hangs up.
          const count = await connection.write(part.subarray(sent)).catch(() => part.length);
          sent += count;
        }
      }
    }
  });
}

const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } };
const brotli = (bytes: Uint8Array) => brotliCompressSync(bytes, quick);
const COMPRESS = { gzip: gzipSync, "x-gzip": gzipSync, GZip: gzipSync, br: brotli };

for (const [coding, compress] of Object.entries(COMPRESS)) {
  Deno.test(`${coding} is undone where that is asked for, and nowhere else`, async () => {
    const compressed = compress(bytesOf("hello"));
    await using server = listenCompressed(coding, compressed);
    const client = createDirectClient();
    const asked = await ask(client.transport, { url: server.url, decode: true });
    assert.equal(told(asked), '200 "hello"');
    const plain = await ask(client.transport, { url: server.url });
    assert.ok(plain.kind === "answer");
    assert.equal(textOf(plain.body), textOf(compressed));
    assert.equal(server.connections(), 1, "the connection is used again");
    client.close();
  });

  Deno.test(`${coding} of what is no such thing breaks off, and the rest is not waited for`, async () => {
    const head = `HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\ncontent-length: 999\r\n\r\n`;
    await using server = listenRaw(async (connection) => {
      await readRequest(connection);
      await connection.write(bytesOf(head + "\xff".repeat(20)));
      assert.equal(await readRequest(connection), null);
    });
    const client = createDirectClient();
    const outcome = await ask(client.transport, { url: server.url, decode: true });
    client.close();
    assert.equal(told(outcome), "connection-lost after 200");
  });

  Deno.test(`${coding} that unfolds without end takes no more memory than is read of it`, async () => {
    const bomb = compress(new Uint8Array(32 * 1_024 * 1_024));
    await using server = listenCompressed(coding, bomb);
    const client = createDirectClient();
    const before = Deno.memoryUsage().external;
    const outcome = await ask(client.transport, { url: server.url, decode: true });
    assert.equal(told(outcome), "too-long after 200");
    assert.ok(Deno.memoryUsage().external - before < 4 * 1_024 * 1_024);
    client.close();
  });
}

Deno.test("gzip that is not whole breaks off", async () => {
  await using server = listenCompressed("gzip", gzipSync(bytesOf("hello")).subarray(0, -3));
  const client = createDirectClient();
  const outcome = await ask(client.transport, { url: server.url, decode: true });
  client.close();
  assert.equal(told(outcome), "connection-lost after 200");
});

Deno.test("a coding that is not known is left as it is", async () => {
  await using server = listenCompressed("zstd", bytesOf("hello"));
  const client = createDirectClient();
  assert.equal(told(await ask(client.transport, { url: server.url, decode: true })), '200 "hello"');
  client.close();
});
