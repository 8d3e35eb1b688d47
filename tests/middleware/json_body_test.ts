import assert from "node:assert/strict";
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import type { AppEnv } from "../../middleware/app_env.ts";
import { jsonBody } from "../../middleware/json_body.ts";
import { createErrorHandler } from "../../middleware/problem_details.ts";
import { createRoom } from "../../services/support/room.ts";
import { systemClock } from "../../services/support/clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";

const MAX_BYTES = 256;

/** An app that sends back the bytes that it was sent. */
function createEcho() {
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  const read: unknown[] = [];
  app.post(
    "/",
    jsonBody({ maxBytes: MAX_BYTES, clock: systemClock, room: createRoom(Infinity) }),
    (c) => {
      const { bytes, untrustedJson } = c.get("body");
      read.push(untrustedJson);
      return c.body(bytes);
    },
  );
  const post = (body: BodyInit | null, headers: Record<string, string> = {}) =>
    app.request("/", { method: "POST", body, headers });
  return { app, read, post };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function problemOf(answer: Response): Promise<string> {
  const { type } = await answer.json();
  return `${answer.status} ${type}`;
}

Deno.test("jsonBody() keeps the very bytes that came, and what they say", async () => {
  const { post, read } = createEcho();
  const text = '{ "a":1.0,\n"b" : 2, "é":"\\u00e9" }\n';
  const answer = await post(bytesOf(text), { "content-type": "application/json" });
  assert.equal(await answer.text(), text);
  assert.deepEqual(read, [{ a: 1, b: 2, "é": "é" }]);
});

const accepted: (string | null)[] = [
  null,
  "",
  "application/json",
  "Application/JSON; charset=utf-8",
  " application/json ;charset=latin1",
  "application/cloudevents+json",
  "application/vnd.x-y.v2+json; a=b",
];
for (const contentType of accepted) {
  Deno.test(`jsonBody() reads a body with content-type ${contentType}`, async () => {
    const { post } = createEcho();
    const answer = await post(
      bytesOf("[]"),
      contentType === null ? {} : { "content-type": contentType },
    );
    assert.equal(await answer.text(), "[]");
  });
}

const refused = [
  "application/json; charset=utf-16",
  'application/json; charset="UTF-7"',
  "application/json; charset=utf-8; charset=ibm037",
  "application/json;charset=shift_jis",
  "text/plain",
  "text/json",
  "application/jsonp",
  "application/x-www-form-urlencoded",
  "application/xml; note=application/json",
  "multipart/form-data; boundary=json",
  "json",
  "application/+json",
];
for (const contentType of refused) {
  Deno.test(`jsonBody() answers 415 to content-type ${contentType}`, async () => {
    const { post } = createEcho();
    const answer = await post(bytesOf("[]"), { "content-type": contentType });
    assert.equal(await problemOf(answer), "415 /problems/unsupported-media-type");
  });
}

Deno.test("jsonBody() answers 415 to a content coding and says which it takes", async () => {
  const { post } = createEcho();
  const answer = await post(bytesOf("[]"), { "content-encoding": "gzip" });
  assert.equal(answer.headers.get("accept-encoding"), "identity");
  assert.equal(await problemOf(answer), "415 /problems/unsupported-media-type");
});

Deno.test("jsonBody() does not echo a long header in full", async () => {
  const { post } = createEcho();
  const answer = await post(bytesOf("[]"), { "content-type": `text/${"x".repeat(5_000)}` });
  assert.ok((await answer.text()).length < 1_000);
});

const unreadable: [string, Uint8Array<ArrayBuffer> | null][] = [
  ["no body", null],
  ["an empty body", bytesOf("")],
  ["text that does not parse", bytesOf('{"secret":"hunter2"')],
  ["two values", bytesOf("{}{}")],
  ["a member that comes twice", bytesOf('{"a":"hunter2","\\u0061":1}')],
  ["a member that comes twice deep inside", bytesOf('[{"a":[{"b":"hunter2","b":1}]}]')],
  ["bytes that are not UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
  ["UTF-16", new Uint8Array([0x5b, 0x00, 0x5d, 0x00])],
];
for (const [name, body] of unreadable) {
  Deno.test(`jsonBody() answers 400 invalid-body to ${name} and does not quote it`, async () => {
    const { post } = createEcho();
    const answer = await post(body, { "content-type": "application/json" });
    const text = await answer.text();
    assert.equal(answer.status, 400);
    assert.equal(JSON.parse(text).type, "/problems/invalid-body");
    assert.ok(!text.includes("hunter2"));
  });
}

Deno.test("jsonBody() names the member that comes twice", async () => {
  const { post } = createEcho();
  const { detail } = await (await post(bytesOf('{"a":{"b\\n":1,"b\\u000a":2}}'))).json();
  assert.equal(detail, 'Cannot read the body: expected each member once, but "b\\n" comes again');
});

Deno.test("jsonBody() answers 400 to a body that is nested too deeply", async () => {
  const { post } = createEcho();
  assert.equal((await post(bytesOf("[".repeat(64) + "]".repeat(64)))).status, 200);
  const answer = await post(bytesOf("[".repeat(65) + "]".repeat(65)));
  assert.equal(await problemOf(answer), "400 /problems/invalid-body");
});

const justFits = `"${"x".repeat(MAX_BYTES - 2)}"`;

Deno.test("jsonBody() reads a body of just as many bytes as allowed", async () => {
  const { post } = createEcho();
  const answer = await post(bytesOf(justFits));
  assert.equal(await answer.text(), justFits);
});

Deno.test("jsonBody() counts bytes, not characters", async () => {
  const { post } = createEcho();
  const answer = await post(bytesOf(`"${"é".repeat(MAX_BYTES / 2)}"`));
  assert.equal(await problemOf(answer), "413 /problems/body-too-large");
});

/** A body that tells how much of it was taken. */
function endless() {
  const state = { chunks: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      state.chunks += 1;
      controller.enqueue(new Uint8Array(MAX_BYTES / 2).fill(0x20));
    },
    cancel() {
      state.cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, state };
}

for (const contentLength of [undefined, "2", "nonsense", "-1"]) {
  Deno.test(`jsonBody() stops reading at the limit when content-length is ${contentLength}`, async () => {
    const { app } = createEcho();
    const { body, state } = endless();
    const request = new Request("http://patchbay.test/", {
      method: "POST",
      body,
      headers: contentLength === undefined ? {} : { "content-length": contentLength },
    });
    assert.equal(await problemOf(await app.fetch(request)), "413 /problems/body-too-large");
    assert.equal(state.cancelled, true);
    assert.ok(state.chunks <= 4, `took ${state.chunks} chunks`);
  });
}

Deno.test("jsonBody() does not read a body that owns up to being too long", async () => {
  const { app } = createEcho();
  const { body, state } = endless();
  const request = new Request("http://patchbay.test/", {
    method: "POST",
    body,
    headers: { "content-length": String(MAX_BYTES + 1) },
  });
  assert.equal(await problemOf(await app.fetch(request)), "413 /problems/body-too-large");
  assert.equal(state.chunks, 0);
});

Deno.test("jsonBody() answers 400 when the body breaks off", async () => {
  const { app } = createEcho();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.error(new Error("connection reset")),
  });
  const request = new Request("http://patchbay.test/", { method: "POST", body });
  assert.equal(await problemOf(await app.fetch(request)), "400 /problems/invalid-body");
});

Deno.test("jsonBody() answers 413 over a real connection, which then serves on", async () => {
  const { app } = createEcho();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request, info) => app.fetch(request, info),
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const chunked = await fetch(url, {
    method: "POST",
    body: ReadableStream.from([bytesOf("["), bytesOf(" ".repeat(MAX_BYTES)), bytesOf("]")]),
  });
  assert.equal(await problemOf(chunked), "413 /problems/body-too-large");
  const declared = await fetch(url, { method: "POST", body: bytesOf(" ".repeat(MAX_BYTES + 1)) });
  assert.equal(await problemOf(declared), "413 /problems/body-too-large");
  const fine = await fetch(url, {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  assert.equal(await fine.text(), "{}");
});

for (const maxBytes of [0, -1, 1.5, NaN]) {
  Deno.test(`jsonBody() refuses a limit of ${maxBytes}`, () => {
    assert.throws(
      () => jsonBody({ maxBytes, clock: systemClock, room: createRoom(Infinity) }),
      RangeError,
    );
  });
}

Deno.test("jsonBody() holds its body's room until the request is answered, whatever the answer", async () => {
  const room = createRoom(100);
  const app = new Hono<AppEnv>();
  app.onError(createErrorHandler({ log: createMemoryLog() }));
  app.use(async (c, next) => {
    c.set("requestId", "req-1");
    await next();
  });
  const during: number[] = [];
  const headers = { "content-type": "application/json" };
  app.post("/:path", jsonBody({ maxBytes: 50, clock: systemClock, room }), (c) => {
    during.push(room.taken);
    if (c.req.param("path") === "crash") throw new Error("boom");
    return c.text("in");
  });
  for (const [path, body] of [["in", "{}"], ["crash", "[1]"], ["in", "{"]] as const) {
    await (await app.request(`/${path}`, { method: "POST", body, headers })).body?.cancel();
    assert.equal(room.taken, 0, `${path} ${body}`);
  }
  assert.deepEqual(during, [2, 3]);
  room.take(99);
  const answer = await app.request("/in", { method: "POST", body: "{}", headers });
  assert.equal(answer.status, 503);
  await answer.body?.cancel();
});
