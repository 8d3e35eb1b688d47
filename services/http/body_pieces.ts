/** Takes a body piece by piece. */
export interface BodyPieces {
  /** The next piece, a copy that is just as long as what has come; null: there is no more. Rejects as the body fails. */
  next(): Promise<Uint8Array | null>;
  /** Gives up the rest; `next` then tells the end. */
  cancel(): Promise<void>;
}

const SMALLEST_BYTES = 2 * 1024;
const LARGEST_BYTES = 64 * 1024;

/**
 * Reads a body into a buffer of our own, which grows with what has come. Left to choose, Deno (2.9.6) sets 64 KiB aside on
 * either side of each body that it waits for, and keeps its own until the connection is closed: whoever sends half a body would
 * hold 140 KiB of ours with a few bytes, and this way holds 32.
 */
export function piecesOf(body: ReadableStream<Uint8Array>): BodyPieces {
  const reader = byobReaderOf(body);
  if (reader === null) return chunksOf(body);
  let buffer = new ArrayBuffer(SMALLEST_BYTES);
  return {
    async next() {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return null;
      const piece = value.slice();
      const isFull = value.length === value.buffer.byteLength;
      buffer = isFull && value.length < LARGEST_BYTES
        ? new ArrayBuffer(2 * value.length)
        : value.buffer;
      return piece;
    },
    cancel: () => reader.cancel(),
  };
}

/** Null: this stream is none of bytes. Those of `Deno.serve` are. */
function byobReaderOf(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

function chunksOf(body: ReadableStream<Uint8Array>): BodyPieces {
  const reader = body.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? null : value;
    },
    cancel: () => reader.cancel(),
  };
}
