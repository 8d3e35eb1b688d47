import assert from "node:assert/strict";
import { createHttpClient } from "../../../../services/http/client.ts";
import { overFetch } from "../../../../services/http/transport.ts";
import { systemClock } from "../../../../services/support/clock.ts";
import { ask, bytesOf, connecting, listenRaw, readRequest, socketOf, told } from "./sockets.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const LOST = "connection-lost";
const CUT = "connection-lost after 200";

interface Case {
  readonly name: string;
  /** What the other side sends before it closes the connection. */
  readonly bytes: string;
  readonly method?: string;
  /** What is made of it. */
  readonly expected: string;
  /** What `fetch` makes of it, where that is something else. */
  readonly fetch?: string;
}

const CASES: readonly Case[] = [
  {
    name: "a body with a length",
    bytes: `${OK}content-length: 5\r\n\r\nhello`,
    expected: '200 "hello"',
  },
  { name: "a length of nothing", bytes: `${OK}content-length: 0\r\n\r\n`, expected: '200 ""' },
  {
    name: "a body that ends with the connection",
    bytes: `${OK}\r\nhello`,
    expected: '200 "hello"',
  },
  { name: "HTTP/1.0", bytes: "HTTP/1.0 200 OK\r\n\r\nhello", expected: '200 "hello"' },
  {
    name: "a status without a reason",
    bytes: "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok",
    expected: '200 "ok"',
  },
  {
    name: "a reason of other letters",
    bytes: "HTTP/1.1 200 d\xe9j\xe0 vu\r\ncontent-length: 2\r\n\r\nok",
    expected: '200 "ok"',
  },
  {
    name: "a status that nobody has heard of",
    bytes: "HTTP/1.1 599 odd\r\ncontent-length: 2\r\n\r\nok",
    expected: '599 "ok"',
  },
  { name: "204 without a length", bytes: "HTTP/1.1 204 No Content\r\n\r\n", expected: '204 ""' },
  {
    name: "304 with the length of what it does not send",
    bytes: "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
    expected: '304 ""',
  },
  {
    name: "HEAD with the length of what it does not send",
    method: "HEAD",
    bytes: `${OK}content-length: 9\r\n\r\n`,
    expected: '200 ""',
  },
  {
    name: "lines that end with a bare LF",
    bytes: "HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    expected: '200 "ok"',
  },
  {
    name: "names and blanks in any way",
    bytes: `${OK}Content-LENGTH:\t 2 \t\r\n\r\nok`,
    expected: '200 "ok"',
  },
  {
    name: "interim answers",
    bytes:
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
    expected: '200 "ok"',
  },
  {
    name: "chunks",
    bytes: `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`,
    expected: '200 "hello world"',
  },
  {
    name: "chunks with extensions",
    bytes: `${CHUNKED}5;a=b; c="d"\r\nhello\r\n0;e\r\n\r\n`,
    expected: '200 "hello"',
  },
  {
    name: "chunks with sizes in capitals and with zeros in front",
    bytes: `${CHUNKED}00A\r\n0123456789\r\n0\r\n\r\n`,
    expected: '200 "0123456789"',
  },
  {
    name: "chunks with a trailer",
    bytes: `${CHUNKED}5\r\nhello\r\n0\r\nx-sum: 1\r\ny: 2\r\n\r\n`,
    expected: '200 "hello"',
  },
  { name: "chunks and nothing in them", bytes: `${CHUNKED}0\r\n\r\n`, expected: '200 ""' },
  {
    name: "a coding in other letters",
    bytes: `${OK}Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    expected: '200 "ok"',
  },
  {
    name: "a folded header",
    bytes: `${OK}x-note: a\r\n  b\r\ncontent-length: 2\r\n\r\nok`,
    expected: '200 "ok"',
    fetch: LOST,
  },
  {
    name: "a length that is folded",
    bytes: `${OK}content-length:\r\n 2\r\n\r\nok`,
    expected: '200 "ok"',
    fetch: LOST,
  },
  {
    name: "the same length twice",
    bytes: `${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
    expected: '200 "ok"',
  },
  {
    name: "the same length in a list",
    bytes: `${OK}content-length: 2, 2\r\n\r\nok`,
    expected: '200 "ok"',
  },
  {
    name: "two lengths",
    bytes: `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nok!`,
    expected: LOST,
  },
  { name: "two lengths in a list", bytes: `${OK}content-length: 2, 3\r\n\r\nok!`, expected: LOST },
  {
    name: "a length and chunks",
    bytes: `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    expected: '200 "ok"',
  },
  {
    name: "a coding that nobody knows before the chunks",
    bytes: `${OK}transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    expected: '200 "ok"',
  },
  {
    name: "a coding that nobody knows",
    bytes: `${OK}transfer-encoding: identity\r\n\r\nok`,
    expected: '200 "ok"',
  },
  ...["-1", "0x2", "+2", "2.0", "2 2", "", "two", "99999999999999999999"].map((length) => ({
    name: `the length ${JSON.stringify(length)}`,
    bytes: `${OK}content-length: ${length}\r\n\r\nok`,
    expected: LOST,
  })),
  ...["-2", "0x2", "+2", "", " 2", "2 2", "2,", "g", "ffffffffffffffff", "2\x00"].map((
    size,
  ) => ({
    name: `a chunk of the size ${JSON.stringify(size)}`,
    bytes: `${CHUNKED}${size}\r\nok\r\n0\r\n\r\n`,
    expected: CUT,
  })),
  {
    name: "a chunk with a NUL in its extension",
    bytes: `${CHUNKED}2;a=\x00\r\nok\r\n0\r\n\r\n`,
    expected: CUT,
    fetch: '200 "ok"',
  },
  {
    name: "a chunk longer than its size",
    bytes: `${CHUNKED}2\r\nokay\r\n0\r\n\r\n`,
    expected: CUT,
  },
  {
    name: "a chunk whose lines end with a bare LF",
    bytes: `${CHUNKED}2\nok\n0\n\n`,
    expected: CUT,
  },
  { name: "an end within the body", bytes: `${OK}content-length: 5\r\n\r\nhell`, expected: CUT },
  { name: "an end within a chunk", bytes: `${CHUNKED}5\r\nhell`, expected: CUT },
  { name: "an end before the last chunk", bytes: `${CHUNKED}5\r\nhello\r\n`, expected: CUT },
  { name: "an end within the trailer", bytes: `${CHUNKED}0\r\nx-sum: 1\r\n`, expected: CUT },
  { name: "an end within the head", bytes: `${OK}content-length: 5\r\n`, expected: LOST },
  { name: "an end before the head", bytes: "", expected: LOST },
  {
    name: "an end after an interim answer",
    bytes: "HTTP/1.1 100 Continue\r\n\r\n",
    expected: LOST,
  },
  {
    name: "a change of protocol",
    bytes: "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nhello",
    expected: LOST,
    fetch: '101 ""',
  },
  { name: "a greeting of another protocol", bytes: "220 mail.test ESMTP\r\n\r\n", expected: LOST },
  ...[
    "HTTP/2 200 OK",
    "HTTP/1.2 200 OK",
    "http/1.1 200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 200OK",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 099 no",
    " HTTP/1.1 200 OK",
    "ICY 200 OK",
  ].map((line) => ({
    name: `the status line ${JSON.stringify(line)}`,
    bytes: `${line}\r\ncontent-length: 2\r\n\r\nok`,
    expected: LOST,
  })),
  ...[
    "x y: 1",
    "x : 1",
    ": 1",
    "no colon",
    "x(: 1",
    "x\x00: 1",
    "x: a\x00b",
    "x: a\rb",
    "x: \x7f",
    " folded: 1",
  ].map((line) => ({
    name: `the header ${JSON.stringify(line)}`,
    bytes: `${OK}${line}\r\ncontent-length: 2\r\n\r\nok`,
    expected: LOST,
  })),
];

for (const { name, bytes, method = "GET", expected } of CASES) {
  Deno.test(`an answer in one piece and in every two: ${name}`, async () => {
    const whole = bytesOf(bytes);
    for (let cut = 0; cut < Math.max(1, whole.length); cut++) {
      const pieces = [whole.subarray(0, cut), whole.subarray(cut)].filter(({ length }) =>
        length > 0
      );
      assert.equal(await toldOf(pieces, method), expected, `cut after ${cut}`);
    }
  });

  Deno.test(`an answer byte by byte: ${name}`, async () => {
    assert.equal(
      await toldOf([...bytesOf(bytes)].map((byte) => Uint8Array.of(byte)), method),
      expected,
    );
  });
}

async function toldOf(pieces: readonly Uint8Array[], method: string): Promise<string> {
  const client = createHttpClient({
    connect: connecting(() => socketOf(pieces)),
    clock: systemClock,
  });
  const outcome = await ask(client.transport, { method });
  client.close();
  return told(outcome);
}

for (const { name, bytes, method = "GET", expected, fetch: byFetch = expected } of CASES) {
  Deno.test(`fetch makes of an answer ${byFetch === expected ? "the same" : "something else"}: ${name}`, async () => {
    await using server = listenRaw(async (connection) => {
      await readRequest(connection);
      await connection.write(bytesOf(bytes));
    });
    using fetchClient = Deno.createHttpClient({});
    assert.equal(
      told(await ask(overFetch(fetch, { client: fetchClient }), { method, url: server.url })),
      byFetch,
    );
  });
}
