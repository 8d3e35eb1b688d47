import assert from "node:assert/strict";
import {
  BodyTooLarge,
  InvalidBody,
  type PatchbayError,
  RequestTimeout,
} from "../../../services/errors.ts";
import { readRequestBody } from "../../../services/http/request_body.ts";
import { createRoom } from "../../../services/support/room.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const MAX_BYTES = 1024 * 1024;

/** A body that comes when the test says so, and whether its reader gave up on it. */
function sentByHand(headers: Record<string, string> = {}, room = createRoom(Infinity)) {
  const clock = createVirtualClock();
  const state = { cancelled: false };
  let stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      stream = controller;
    },
    cancel() {
      state.cancelled = true;
    },
  });
  const request = new Request("http://patchbay.test/", { method: "POST", body, headers });
  return {
    clock,
    state,
    read: (maxBytes = MAX_BYTES) => readRequestBody(request, { maxBytes, clock, room }),
    /** Sends so many bytes; resolves when they have been read. */
    async send(bytes: number) {
      stream?.enqueue(new Uint8Array(bytes).fill(0x20));
      await new Promise((resolve) => setTimeout(resolve));
    },
    end: () => stream?.close(),
    fail: () => stream?.error(new Error("connection reset")),
  };
}

function withCode(code: PatchbayError["code"]) {
  return (error: unknown) => error instanceof Error && "code" in error && error.code === code;
}

Deno.test("readRequestBody() reads no bytes where there is no body", async () => {
  const request = new Request("http://patchbay.test/", { method: "POST" });
  const bytes = await readRequestBody(request, {
    maxBytes: 1,
    clock: createVirtualClock(),
    room: createRoom(0),
  });
  assert.equal(bytes.length, 0);
});

Deno.test("readRequestBody() joins the chunks of a body that is just as long as allowed", async () => {
  const { read, send, end, clock } = sentByHand();
  const reading = read(5);
  await send(2);
  await send(3);
  end();
  assert.deepEqual(await reading, new Uint8Array(5).fill(0x20));
  assert.equal(clock.pending(), 0);
});

Deno.test("readRequestBody() stops at the chunk that exceeds the bound and cancels the rest", async () => {
  const { read, send, state, clock } = sentByHand();
  const reading = assert.rejects(read(5), BodyTooLarge);
  await send(2);
  await send(4);
  await reading;
  assert.equal(state.cancelled, true);
  assert.equal(clock.pending(), 0);
});

Deno.test("readRequestBody() does not begin with a body that owns up to being too long", async () => {
  const { read, clock } = sentByHand({ "content-length": "6" });
  await assert.rejects(read(5), BodyTooLarge);
  assert.equal(clock.pending(), 0);
});

Deno.test("readRequestBody() says that a body broke off", async () => {
  const { read, send, fail, clock } = sentByHand();
  const reading = assert.rejects(read(), InvalidBody);
  await send(2);
  fail();
  await reading;
  assert.equal(clock.pending(), 0);
});

Deno.test("readRequestBody() gives up a body that pauses for 5 s, however much of it has come", async () => {
  for (const sent of [0, 1, 512 * 1024]) {
    const { read, send, state, clock } = sentByHand();
    const reading = assert.rejects(read(), withCode("request-timeout"));
    if (sent > 0) await send(sent);
    clock.advance(4_999);
    assert.equal(state.cancelled, false);
    clock.advance(1);
    await reading;
    assert.equal(state.cancelled, true);
    assert.equal(clock.pending(), 0);
  }
});

Deno.test("readRequestBody() gives up a body that drips, at about the time of one that pauses", async () => {
  const { read, send, clock } = sentByHand();
  const startMs = clock.now();
  let endedMs = Infinity;
  const reading = assert.rejects(read(), RequestTimeout).then(() => endedMs = clock.now());
  for (let sent = 0; sent < 60 && endedMs === Infinity; sent++) {
    await send(1);
    clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve));
  }
  await reading;
  assert.ok(endedMs - startMs <= 6_000, `held for ${endedMs - startMs} ms`);
});

Deno.test("readRequestBody() waits for a body of 1 MiB that comes by 40 KiB each second", async () => {
  const { read, send, end, clock } = sentByHand();
  const reading = read();
  for (let sent = 0; sent < MAX_BYTES; sent += 40 * 1024) {
    await send(Math.min(40 * 1024, MAX_BYTES - sent));
    clock.advance(1_000);
  }
  end();
  assert.equal((await reading).length, MAX_BYTES);
  assert.equal(clock.pending(), 0);
});

Deno.test("a body given up tells the client that the connection is closed", async () => {
  const { read, clock } = sentByHand();
  const reading = read().catch((error: unknown) => error);
  clock.advance(5_000);
  const error = await reading;
  assert.ok(error instanceof RequestTimeout);
  assert.equal(error.headers.connection, "close");
});

Deno.test("readRequestBody() gives a body up for which there is no room, and takes none of it", async () => {
  const room = createRoom(10);
  const { read, send, state } = sentByHand({}, room);
  const reading = read();
  const refused = assert.rejects(reading, withCode("overloaded"));
  await send(6);
  assert.equal(room.taken, 6, "as it comes, not as it is said to be long");
  await send(5);
  await refused;
  assert.ok(state.cancelled);
  assert.equal(room.taken, 0);
});

for (const ends of ["too-long", "broken", "slow"] as const) {
  Deno.test(`readRequestBody() keeps no room for a body that is ${ends}`, async () => {
    const room = createRoom(100);
    const { read, send, fail, clock } = sentByHand({}, room);
    const refused = assert.rejects(read(10));
    await send(6);
    if (ends === "too-long") await send(5);
    if (ends === "broken") fail();
    if (ends === "slow") clock.advance(60_000);
    await refused;
    assert.equal(room.taken, 0);
  });
}

Deno.test("readRequestBody() leaves to its caller to give back what it has read", async () => {
  const room = createRoom(10);
  const { read, send, end } = sentByHand({}, room);
  const reading = read();
  await send(6);
  end();
  assert.equal((await reading).length, 6);
  assert.equal(room.taken, 6);
});
