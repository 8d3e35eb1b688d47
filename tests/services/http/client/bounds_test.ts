import assert from "node:assert/strict";
import { createHttpClient } from "../../../../services/http/client.ts";
import type { Socket } from "../../../../services/http/socket_reader.ts";
import { systemClock } from "../../../../services/support/clock.ts";
import { ask, bytesOf, connecting, told } from "./sockets.ts";

const HEAD = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;
/** More than any bound, and what is still little. */
const MOST_BYTES = 256 * 1_024;

/** A socket that says something first and then the same over and over. */
function endless(first: string, again: string) {
  const seen = { bytes: 0, isClosed: false };
  let rest = bytesOf(first);
  const socket: Socket = {
    async read(into) {
      // Whoever reads without end lets nobody else have a turn.
      await new Promise((resolve) => setTimeout(resolve));
      if (seen.isClosed) throw new Error("closed");
      if (rest.length === 0) rest = bytesOf(again);
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      rest = rest.slice(count);
      seen.bytes += count;
      return count;
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close: () => void (seen.isClosed = true),
  };
  return { socket, seen };
}

const FIELD = `x-field: ${"a".repeat(1_000)}\r\n`;
const ENDLESS: readonly [what: string, first: string, again: string, expected: string][] = [
  ["a head without end", HEAD, FIELD, "connection-lost"],
  ["a header line without end", `${HEAD}x: `, "a".repeat(1_000), "connection-lost"],
  ["a status line without end", "HTTP/1.1 200 ", "a".repeat(1_000), "connection-lost"],
  ["interim heads without end", "", "HTTP/1.1 100 Continue\r\n\r\n", "connection-lost"],
  ["a chunk's size without end", CHUNKED, "0".repeat(1_000), "connection-lost after 200"],
  [
    "an extension without end",
    `${CHUNKED}1;`,
    "a".repeat(1_000),
    "connection-lost after 200",
  ],
  [
    "extensions of chunks without end",
    CHUNKED,
    `1;${"a".repeat(500)}\r\nx\r\n`,
    "connection-lost after 200",
  ],
  ["a trailer without end", `${CHUNKED}0\r\n`, FIELD, "connection-lost after 200"],
  ["a body without end", `${HEAD}\r\n`, "a".repeat(1_000), "too-long after 200"],
  ["chunks without end", CHUNKED, "4\r\nbody\r\n".repeat(100), "too-long after 200"],
  [
    "more of a body than one wants",
    `${HEAD}content-length: 99999999\r\n\r\n`,
    "a".repeat(1_000),
    "too-long after 200",
  ],
];

for (const [what, first, again, expected] of ENDLESS) {
  Deno.test(`the client reads little of ${what}, and closes the connection`, async () => {
    const { socket, seen } = endless(first, again);
    const client = createHttpClient({ connect: connecting(() => socket), clock: systemClock });
    assert.equal(told(await ask(client.transport)), expected);
    assert.ok(seen.isClosed);
    assert.ok(seen.bytes < MOST_BYTES, `${seen.bytes} bytes`);
  });
}

Deno.test("the longest head that is taken has 16 KiB", async () => {
  for (const [length, expected] of [[16_384, '200 ""'], [16_385, "connection-lost"]] as const) {
    const start = `${HEAD}content-length: 0\r\nx: `;
    const head = `${start}${"a".repeat(length - start.length - 4)}\r\n\r\n`;
    let isSent = false;
    const socket: Socket = {
      read(into) {
        const bytes = bytesOf(head).subarray(0, into.length);
        into.set(bytes);
        // The socket stays open, and silent, behind a head that was taken.
        if (isSent) return new Promise(() => {});
        isSent = true;
        return Promise.resolve(bytes.length);
      },
      write: (bytes) => Promise.resolve(bytes.length),
      close: () => {},
    };
    const client = createHttpClient({ connect: connecting(() => socket), clock: systemClock });
    assert.equal(told(await ask(client.transport)), expected, `${length} bytes`);
    client.close();
  }
});

Deno.test("many small chunks are not too much around a body", async () => {
  const chunks = "1\r\nx\r\n".repeat(20_000);
  const { socket } = endless(`${CHUNKED}${chunks}0\r\n\r\n`, "");
  const client = createHttpClient({ connect: connecting(() => socket), clock: systemClock });
  const outcome = await ask(client.transport);
  client.close();
  assert.ok(outcome.kind === "answer");
  assert.equal(outcome.body.length, 20_000);
});

Deno.test("what a head costs grows with its length, not with its square", async () => {
  // Blanks, commas and folds: what patterns for them like to read again and again.
  const shapes: readonly ((count: number) => string)[] = [
    (count) => `content-length: 0\r\nx: a${" ".repeat(count)}b\r\n`,
    (count) => `content-length: 0${" ,".repeat(count / 2)} 0\r\n`,
    (count) => `content-length: 0\r\nconnection: ${" ".repeat(count)}x\r\n`,
    (count) => `transfer-encoding: ${", ".repeat(count / 2)}chunked\r\n`,
    (count) => `content-length: 0\r\nx: a\r\n${" \r\n".repeat(count / 3)}`,
    (count) => `content-length: 0\r\n${"a:\r\n".repeat(count / 4)}`,
    (count) => `content-length: 0\r\nkeep-alive: ${"timeout=".repeat(count / 8)}\r\n`,
  ];
  const { parseAnswerHead } = await import("../../../../services/http/answer_head.ts");
  for (const shape of shapes) {
    const cost = (count: number) => {
      const head = `${HEAD}${shape(count)}\r\n`;
      const startedAtMs = performance.now();
      for (let i = 0; i < 20; i++) {
        try {
          parseAnswerHead(head);
        } catch {
          // Some of these are refused, which may cost no more either.
        }
      }
      return performance.now() - startedAtMs;
    };
    cost(8_192);
    // Of 16 KiB a square would make a quarter of a second each.
    assert.ok(cost(16_384) < 1_000, shape(8));
  }
});
