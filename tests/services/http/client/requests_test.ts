import assert from "node:assert/strict";
import { createHttpClient } from "../../../../services/http/client.ts";
import type { Socket } from "../../../../services/http/socket_reader.ts";
import type { HttpRequest } from "../../../../services/http/transport.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";
import { ask, bytesOf, connecting, textOf, told } from "./sockets.ts";

/** What goes over the wire for a request, `perWrite` bytes at a time, until `length` have gone. */
async function sent(
  request: Partial<HttpRequest>,
  { length, perWrite = Infinity }: { readonly length: number; readonly perWrite?: number },
): Promise<string> {
  let written = "";
  const whole = Promise.withResolvers<null>();
  const socket: Socket = {
    read: () => whole.promise,
    write(bytes) {
      const taken = bytes.subarray(0, perWrite);
      written += textOf(taken);
      if (written.length >= length) whole.resolve(null);
      return Promise.resolve(taken.length);
    },
    close: () => {},
  };
  const client = createHttpClient({
    connect: connecting(() => socket),
    clock: createVirtualClock(),
  });
  await ask(client.transport, request);
  return written;
}

const SENT: readonly [request: Partial<HttpRequest>, bytes: string][] = [
  [{ url: "http://h.test" }, "GET / HTTP/1.1\r\nhost: h.test\r\n\r\n"],
  [{ url: "http://h.test:80/a" }, "GET /a HTTP/1.1\r\nhost: h.test\r\n\r\n"],
  [
    { url: "http://H.test:8080/a%20b/ü?q=1&r=%0d#part" },
    "GET /a%20b/%C3%BC?q=1&r=%0d HTTP/1.1\r\nhost: h.test:8080\r\n\r\n",
  ],
  [
    { url: new URL("http://[2001:db8::1]:81/") },
    "GET / HTTP/1.1\r\nhost: [2001:db8::1]:81\r\n\r\n",
  ],
  [
    { headers: { "X-A": "1", "x-b": "d\xe9j\xe0\tvu", "x-c": "" } },
    "GET / HTTP/1.1\r\nhost: other.test\r\nX-A: 1\r\nx-b: d\xe9j\xe0\tvu\r\nx-c: \r\n\r\n",
  ],
  [
    { headers: new Headers({ "X-A": "1" }) },
    "GET / HTTP/1.1\r\nhost: other.test\r\nx-a: 1\r\n\r\n",
  ],
  [
    { method: "POST", body: bytesOf("\x00\xff") },
    "POST / HTTP/1.1\r\nhost: other.test\r\ncontent-length: 2\r\n\r\n\x00\xff",
  ],
  [{ method: "POST" }, "POST / HTTP/1.1\r\nhost: other.test\r\ncontent-length: 0\r\n\r\n"],
];
for (const [request, bytes] of SENT) {
  Deno.test(`${JSON.stringify(request)} goes out as it should`, async () => {
    const { length } = bytes;
    assert.equal(await sent(request, { length }), bytes);
    assert.equal(await sent(request, { length, perWrite: 1 }), bytes);
  });
}

Deno.test("a long body goes out whole", async () => {
  const body = "0123456789".repeat(10_000);
  const bytes = `PUT / HTTP/1.1\r\nhost: other.test\r\ncontent-length: 100000\r\n\r\n${body}`;
  const request = { method: "PUT", body: bytesOf(body) };
  assert.equal(await sent(request, { length: bytes.length, perWrite: 999 }), bytes);
});

const UNSENDABLE: readonly Partial<HttpRequest>[] = [
  { headers: { "x-a": "1\r\nx-forged: 1" } },
  { headers: { "x-a": "1\n" } },
  { headers: { "x-a": "\0" } },
  { headers: { "x-a": "🛎️" } },
  { headers: { "x-a\r\nx-forged": "1" } },
  { headers: { "x a": "1" } },
  { headers: { "": "1" } },
  { method: "GET / HTTP/1.1\r\nx-forged: 1\r\n" },
  { url: "ftp://other.test/" },
];
for (const request of UNSENDABLE) {
  Deno.test(`${JSON.stringify(request)} is not sent`, async () => {
    let sockets = 0;
    const connect = connecting(() => {
      sockets++;
      throw new Error("nobody is to connect for it");
    });
    const client = createHttpClient({ connect, clock: createVirtualClock() });
    const outcome = await ask(client.transport, request);
    assert.ok(outcome.kind === "failure" && outcome.cause instanceof TypeError, told(outcome));
    assert.equal(sockets, 0);
  });
}
