import assert from "node:assert/strict";
import { piecesOf } from "../../../services/http/body_pieces.ts";

/** A stream of bytes that comes as the sizes say, and how much room each read offered it. */
function byteStream(sizes: readonly number[]) {
  const offered: number[] = [];
  const left = [...sizes];
  const body = new ReadableStream({
    type: "bytes",
    pull(controller) {
      const request = controller.byobRequest;
      const view = request?.view;
      assert.ok(request && view, "it is read into a buffer of the reader's own");
      offered.push(view.byteLength);
      const size = Math.min(left.shift() ?? 0, view.byteLength);
      if (size === 0) {
        controller.close();
        request.respond(0);
        return;
      }
      new Uint8Array(view.buffer, view.byteOffset, size).fill(size % 251);
      request.respond(size);
    },
  });
  return { body, offered };
}

async function allOf(body: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
  const pieces = piecesOf(body);
  const all: Uint8Array[] = [];
  for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
    all.push(piece);
  }
  return all;
}

Deno.test("piecesOf() hands on what comes, in pieces that hold nothing else", async () => {
  const { body } = byteStream([3, 1, 2_000]);
  const all = await allOf(body);
  assert.deepEqual(all.map(({ length }) => length), [3, 1, 2_000]);
  for (const piece of all) {
    assert.equal(piece.buffer.byteLength, piece.length);
    assert.deepEqual(piece, new Uint8Array(piece.length).fill(piece.length % 251));
  }
});

Deno.test("piecesOf() offers 2 KiB to a body that drips, and more the more comes, up to 64 KiB", async () => {
  const dripping = byteStream([1, 1, 1, 1]);
  await allOf(dripping.body);
  assert.deepEqual(new Set(dripping.offered), new Set([2_048]));

  const flowing = byteStream(Array(8).fill(Infinity));
  await allOf(flowing.body);
  assert.deepEqual(flowing.offered.slice(0, 8), [
    ...[2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 65_536, 65_536],
  ]);
});

Deno.test("piecesOf() reads a stream that is none of bytes too", async () => {
  const all = await allOf(ReadableStream.from([new Uint8Array([1, 2]), new Uint8Array([3])]));
  assert.deepEqual(all, [new Uint8Array([1, 2]), new Uint8Array([3])]);
});

Deno.test("piecesOf() is at the end once it is cancelled", async () => {
  let cancelled = false;
  const body = new ReadableStream({
    type: "bytes",
    cancel() {
      cancelled = true;
    },
  });
  const pieces = piecesOf(body);
  const next = pieces.next();
  await pieces.cancel();
  assert.equal(await next, null);
  assert.equal(cancelled, true);
});
