/** Requests that no client would send, over raw connections: none is answered as two, and nothing unasked goes upstream. */
import assert from "node:assert/strict";
import { exchangeRaw, type RawAnswer } from "../support/raw_http.ts";
import { openSqliteFile } from "./stores.ts";
import { startWorld, type World } from "./world.ts";

const ACCEPT = JSON.stringify({ operationName: "Accept", nickname: "Ada" });

/** What a request smuggles: it would be answered, and go upstream, if it were taken for one. */
const SMUGGLED = (token: string) =>
  `GET /api/v2/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`;

/** Ends the connection; its own answer is the last. */
const LAST = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

interface Shape {
  readonly says: string;
  readonly host?: string;
  /** Lines of the head beside the request line, `Host` and `Authorization`. */
  readonly head?: readonly string[];
  /** In the place of `POST {path} HTTP/1.1`. */
  readonly line?: (path: string) => string;
  readonly body?: (smuggled: string) => string;
  /** Of the shape alone, without that of {@link LAST}. */
  readonly statuses: readonly number[];
  /** Whether the connection goes on, so that {@link LAST} is answered; undefined where the server may choose. */
  readonly goesOn?: boolean;
  readonly upstream: number;
}

const hex = (text: string) => text.length.toString(16);
const chunk = (text: string, extension = "") => `${hex(text)}${extension}\r\n${text}\r\n`;
const END = "0\r\n\r\n";

const REFUSED = { statuses: [400], goesOn: false, upstream: 0 } as const;
const SERVED = { statuses: [200], goesOn: true, upstream: 1 } as const;
/** A body that proves broken while it comes: the connection ends, with an answer or without. */
const BROKEN = { statuses: [], goesOn: false, upstream: 0 } as const;

const SHAPES: readonly Shape[] = [
  {
    says: "a length and chunks",
    head: [`Content-Length: ${ACCEPT.length}`, "Transfer-Encoding: chunked"],
    body: (smuggled) => END + smuggled,
    ...REFUSED,
  },
  {
    says: "chunks and a length",
    head: ["Transfer-Encoding: chunked", "Content-Length: 4"],
    body: (smuggled) => chunk(ACCEPT) + END + smuggled,
    ...REFUSED,
  },
  {
    says: "two lengths",
    head: [`Content-Length: ${ACCEPT.length}`, "Content-Length: 400"],
    body: (smuggled) => ACCEPT + smuggled,
    ...REFUSED,
  },
  ...["+70", "-1", "0x46", "70, 70", "7 0", "99999999999999999999999"].map((length) => ({
    says: `the length ${length}`,
    head: [`Content-Length: ${length}`],
    body: (smuggled: string) => ACCEPT + smuggled,
    ...REFUSED,
  })),
  ...["identity", "chunked, identity", "xchunked", "\x0bchunked"].map((coding) => ({
    says: `the transfer coding ${JSON.stringify(coding)}`,
    head: [`Transfer-Encoding: ${coding}`],
    body: (smuggled: string) => chunk(ACCEPT) + END + smuggled,
    ...REFUSED,
  })),
  {
    says: "chunked twice",
    head: ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    body: (smuggled) => chunk(ACCEPT) + END + smuggled,
    ...REFUSED,
  },
  {
    says: "a space before the colon",
    head: [`Content-Length : ${ACCEPT.length}`],
    body: (smuggled) => ACCEPT + smuggled,
    ...REFUSED,
  },
  {
    says: "a folded line",
    head: ["X-A: b", ` Content-Length: ${ACCEPT.length}`],
    body: (smuggled) => smuggled,
    ...REFUSED,
  },
  {
    says: "a folded coding",
    head: ["Transfer-Encoding:", " chunked"],
    body: (smuggled) => chunk(ACCEPT) + END + smuggled,
    ...REFUSED,
  },
  {
    says: "a bare CR within a field",
    head: [`X-A: b\rContent-Length: ${ACCEPT.length}`],
    body: (smuggled) => smuggled,
    ...REFUSED,
  },
  { says: "a NUL in a field", head: ["X-A: b\0c"], body: (smuggled) => smuggled, ...REFUSED },
  { says: "a NUL in a name", head: ["X\0A: c"], body: (smuggled) => smuggled, ...REFUSED },
  { says: "two hosts", head: ["Host: b"], body: (smuggled) => smuggled, ...REFUSED },
  { says: "two spaces in the request line", line: (path) => `POST  ${path} HTTP/1.1`, ...REFUSED },
  { says: "a tab in the request line", line: (path) => `POST\t${path} HTTP/1.1`, ...REFUSED },
  { says: "a space in the target", line: (path) => `POST ${path} x HTTP/1.1`, ...REFUSED },
  { says: "a NUL in the target", line: (path) => `POST ${path}\0 HTTP/1.1`, ...REFUSED },
  { says: "no version", line: (path) => `POST ${path}`, ...REFUSED },
  { says: "HTTP/1.2", line: (path) => `POST ${path} HTTP/1.2`, ...REFUSED },
  { says: "HTTP/2.0 on its own", line: (path) => `POST ${path} HTTP/2.0`, ...REFUSED },
  {
    says: "a target without a slash",
    line: (path) => `POST ${path.slice(1)} HTTP/1.1`,
    ...REFUSED,
  },
  { says: "an asterisk", line: () => "POST * HTTP/1.1", ...REFUSED },
  {
    says: "a method of odd signs",
    line: (path) => `P@ST ${path} HTTP/1.1`,
    ...REFUSED,
  },
  {
    says: "a chunk's length with 0x",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) => `0x${hex(ACCEPT)}\r\n${ACCEPT}\r\n${END}${smuggled}`,
    ...BROKEN,
  },
  {
    says: "a chunk's length below zero",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) => `-1\r\n${ACCEPT}\r\n${END}${smuggled}`,
    ...BROKEN,
  },
  {
    says: "a chunk's length of more than 64 bits",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) => `1000000000000000${hex(ACCEPT)}\r\n${ACCEPT}\r\n${END}${smuggled}`,
    ...BROKEN,
  },
  {
    says: "a chunk that is longer than it says",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) => `${hex(ACCEPT)}\r\n${ACCEPT}XX\r\n${END}${smuggled}`,
    ...BROKEN,
  },
  {
    says: "a bare LF in a chunk's extension",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) => `${hex(ACCEPT)};a\nxx\r\n${ACCEPT}\r\n${END}${smuggled}`,
    ...BROKEN,
  },
  {
    says: "a bare CR in a chunk's extension",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) => `${hex(ACCEPT)};a\rxx\r\n${ACCEPT}\r\n${END}${smuggled}`,
    ...BROKEN,
  },
  {
    says: "a chunk's extension of 20,000 bytes",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) => chunk(ACCEPT, `;${"x".repeat(20_000)}`) + END + smuggled,
    ...BROKEN,
    statuses: [400],
  },
  // What may be taken is taken for one request, to its end and no further.
  {
    says: "the same length twice",
    head: [`Content-Length: ${ACCEPT.length}`, `Content-Length: ${ACCEPT.length}`],
    body: () => ACCEPT,
    ...SERVED,
  },
  {
    says: "a chunk's extension",
    head: ["Transfer-Encoding: chunked"],
    body: () => chunk(ACCEPT, ";a=b") + END,
    ...SERVED,
  },
  {
    says: "fields behind the last chunk",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) =>
      `${chunk(ACCEPT)}0\r\nContent-Length: ${smuggled.length}\r\nAuthorization: Bearer x\r\n\r\n`,
    ...SERVED,
  },
  {
    says: "an absolute target",
    line: (path) => `POST http://evil.example:81${path} HTTP/1.1`,
    head: [`Content-Length: ${ACCEPT.length}`],
    body: () => ACCEPT,
    ...SERVED,
  },
  {
    says: "an absolute target whose path stands in the query",
    line: (path) => `POST http://evil.example?x${path} HTTP/1.1`,
    head: [`Content-Length: ${ACCEPT.length}`],
    body: () => ACCEPT,
    ...REFUSED,
  },
  {
    says: "an absolute target of another scheme",
    line: (path) => `POST ftp://evil.example${path} HTTP/1.1`,
    head: [`Content-Length: ${ACCEPT.length}`],
    body: () => ACCEPT,
    ...REFUSED,
  },
  {
    says: "a request in the body of one that is refused before it is read",
    head: ["Content-Type: text/plain", "Content-Length: {smuggled}"],
    body: (smuggled) => smuggled,
    statuses: [415],
    upstream: 0,
  },
  {
    says: "a request in the body of a GET",
    line: () => "GET /healthz HTTP/1.1",
    head: ["Content-Length: {smuggled}"],
    body: (smuggled) => smuggled,
    statuses: [200],
    upstream: 0,
  },
  {
    says: "a request in the chunks of a GET",
    line: () => "GET /healthz HTTP/1.1",
    head: ["Transfer-Encoding: chunked"],
    body: (smuggled) => chunk(smuggled) + END,
    statuses: [200],
    upstream: 0,
  },
  ...["a/api/v2/me?", "a/metrics#", "a b", "a@b", "a:b", "é", "a\\b", "[::1"].map((host) => ({
    says: `the Host ${host}`,
    host,
    line: () => "GET /api/v2/me HTTP/1.1",
    statuses: [400],
    goesOn: true,
    upstream: 0,
  })),
  ...["", "a:8000", "[::1]:8000", "evil.example"].map((host) => ({
    says: `the Host "${host}"`,
    host,
    line: () => "GET /api/v2/me HTTP/1.1",
    ...SERVED,
  })),
  // A CONNECT has no body (RFC 9110 §9.3.6): what came behind it would stand for itself.
  {
    says: "a CONNECT",
    line: () => "CONNECT evil.example:443 HTTP/1.1",
    statuses: [400],
    goesOn: true,
    upstream: 0,
  },
];

async function send(world: World, token: string, shape: Shape) {
  const path = `/api/v2/me/smssessions/${world.freshSession()}`;
  const { head = [], host = "a", line = (path) => `POST ${path} HTTP/1.1`, body = () => "" } =
    shape;
  const smuggled = SMUGGLED(token);
  const lines = [line(path), `Host: ${host}`, `Authorization: Bearer ${token}`, ...head]
    .map((each) => each.replace("{smuggled}", String(smuggled.length)));
  return await exchangeRaw(
    world.patchbay.url,
    `${lines.join("\r\n")}\r\n\r\n${body(smuggled)}${LAST}`,
  );
}

/** Hyper's own refusals have no body; ours are problems. */
function assertBareOrProblem({ status, headers, body }: RawAnswer): void {
  if (status < 400 || body === "") return;
  assert.equal(headers.get("content-type"), "application/problem+json");
  assert.equal(JSON.parse(body).status, status);
}

Deno.test("a request of whatever shape is answered as one or not at all", async (t) => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { token } = await world.agent("agent-1");

  for (const shape of SHAPES) {
    const { says, statuses, goesOn, upstream } = shape;
    await t.step(`${says}: ${statuses.join(", ") || "closed"}`, async () => {
      const before = world.upstream.seen.length;
      const { answers, rest } = await send(world, token, shape);
      const seen = answers.map(({ status }) => status);
      const isLastAnswered = goesOn ?? seen.length > statuses.length;
      assert.deepEqual(seen, isLastAnswered ? [...statuses, 200] : statuses);
      assert.equal(rest, "");
      answers.forEach(assertBareOrProblem);
      assert.equal(world.upstream.seen.length - before, upstream);
    });
  }
});
