import { concatenate } from "../support/concatenate.ts";
import type { Clock } from "../support/clock.ts";
import type { Room } from "../support/room.ts";
import { BodyTooLarge, InvalidBody, Overloaded, RequestTimeout } from "../errors.ts";

export interface RequestBodyBounds {
  readonly maxBytes: number;
  readonly clock: Clock;
  /** For the bytes of all bodies that are held at a time. */
  readonly room: Room;
}

/** A body may pause for so long, and has so long before its pace counts. */
const PATIENCE_MS = 5_000;

/** The slowest pace at which a body may come, in bytes per second. */
const SLOWEST_PACE = 32 * 1024;

const EXPECTED_PACE = `no pause of ${PATIENCE_MS / 1_000} s and ${SLOWEST_PACE} bytes per second`;

/**
 * Reads the body of a request to its end, or gives up as soon as it proves longer than `maxBytes` or too slow, and cancels
 * the rest. No length that the sender declares is believed, except one that owns up to being too much.
 *
 * How long a body is waited for grows with what has come of it alone, so a sender who holds one back holds nothing
 * of ours for long.
 *
 * @returns the bytes, none for a body that is not there. They have taken their place in `room`, which is to be given back
 * once they are held no longer
 * @throws BodyTooLarge; Overloaded where there is no room for what has come; RequestTimeout for a body that pauses or drips; InvalidBody for one that breaks off
 */
export async function readRequestBody(
  request: Request,
  { maxBytes, clock, room }: RequestBodyBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  using pace = watchPace(clock, () => reader.cancel());
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await nextOf(reader);
      if (pace.isLost()) throw tooSlow();
      if (done) break;
      if (length + value.length > maxBytes) throw tooLarge(maxBytes);
      if (!room.take(value.length)) throw new Overloaded();
      length += value.length;
      chunks.push(value);
      pace.took(value.length);
    }
  } catch (error) {
    room.give(length);
    if (!pace.isLost()) await reader.cancel().catch(() => {});
    throw error;
  }
  return concatenate(chunks, length);
}

interface PaceWatch extends Disposable {
  took(bytes: number): void;
  /** Whether the body was given up. */
  isLost(): boolean;
}

/** Calls `giveUp` once, as soon as a body has paused for too long or comes too slowly. */
function watchPace(clock: Clock, giveUp: () => Promise<void>): PaceWatch {
  const startMs = clock.now();
  let latestMs = startMs;
  let bytes = 0;
  let isLost = false;
  let timer = clock.after(PATIENCE_MS, look);

  function dueMs(): number {
    return PATIENCE_MS + Math.min(latestMs, startMs + bytes / SLOWEST_PACE * 1_000);
  }

  // One timer serves however many chunks: it looks again when what has come meanwhile allows for more time.
  function look(): void {
    const leftMs = dueMs() - clock.now();
    if (leftMs > 0) {
      timer = clock.after(leftMs, look);
      return;
    }
    isLost = true;
    // A stream that has failed already cannot be cancelled, and its reader hears of that.
    giveUp().catch(() => {});
  }

  return {
    took(more) {
      bytes += more;
      latestMs = clock.now();
    },
    isLost: () => isLost,
    [Symbol.dispose]: () => timer.cancel(),
  };
}

async function nextOf(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new InvalidBody("Cannot read the body: expected it whole, but it broke off", { cause });
  }
}

function tooLarge(maxBytes: number): BodyTooLarge {
  return new BodyTooLarge(`Cannot read the body: expected at most ${maxBytes} bytes`);
}

/** RFC 9112 §9.6: what may still come on this connection is no request. */
function tooSlow(): RequestTimeout {
  return new RequestTimeout(`Cannot wait for the rest of the body: expected ${EXPECTED_PACE}`, {
    headers: { connection: "close" },
  });
}
