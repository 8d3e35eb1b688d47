import { Buffer } from "node:buffer";
import { malformed } from "./answer_head.ts";

/** A byte stream in both directions. Closing it ends a read that is under way. */
export type Socket = Pick<Deno.Conn, "read" | "write" | "close">;

/** Bounds one head, and what the lines around the chunks of a body add up to. */
export const MAX_HEAD_BYTES = 16 * 1_024;

const LF = 0x0a;
const CR = 0x0d;

/**
 * Reads what a socket brings, by way of one buffer that is used over and over. Each of its promises rejects with what the
 * socket throws, and with a `MalformedAnswer` where a bound is passed.
 */
export interface SocketReader {
  /** The bytes up to the next blank line and with it, as text; null: the stream has ended before. */
  head(): Promise<string | null>;
  /** The bytes before the next CRLF, as text; null: the stream has ended before. */
  line(): Promise<string | null>;
  /** A copy of the next bytes, one to `most` of them; null: the stream has ended. */
  bytes(most: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Whether there are bytes that nobody has taken. */
  hasMore(): boolean;
  /** Waits for the next bytes without taking them, or for the end. */
  watch(): Promise<unknown>;
}

export function createSocketReader(socket: Pick<Socket, "read">): SocketReader {
  const buffer = Buffer.allocUnsafeSlow(MAX_HEAD_BYTES);
  let start = 0;
  let end = 0;
  let reading: Promise<number | null> | null = null;

  function read(): Promise<number | null> {
    if (start === end) start = end = 0;
    return reading ??= socket.read(end === 0 ? buffer : buffer.subarray(end));
  }

  async function fill(): Promise<boolean> {
    if (end === buffer.length) {
      if (start === 0) throw malformed("a head or a line that is too long");
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
    const count = await read();
    reading = null;
    end += count ?? 0;
    return count !== null;
  }

  function take(until: number): string {
    const text = buffer.toString("latin1", start, until);
    start = until;
    return text;
  }

  return {
    async head() {
      let looked = 0;
      for (;;) {
        for (let at = start + looked; (at = buffer.indexOf(LF, at)) !== -1 && at < end; at++) {
          const next = buffer[at + 1] === CR ? at + 2 : at + 1;
          if (next < end && buffer[next] === LF) return take(next + 1);
        }
        // The last two bytes may be the beginning of what ends the head.
        looked = Math.max(0, end - start - 2);
        if (!await fill()) return null;
      }
    },
    async line() {
      let looked = 0;
      for (;;) {
        const at = buffer.indexOf(LF, start + looked);
        if (at !== -1 && at < end) {
          if (at === start || buffer[at - 1] !== CR) throw malformed("a chunk that is none");
          return take(at + 1).slice(0, -2);
        }
        looked = end - start;
        if (!await fill()) return null;
      }
    },
    async bytes(most) {
      if (start === end && !await fill()) return null;
      const until = Math.min(end, start + most);
      const copy = new Uint8Array(buffer.subarray(start, until));
      start = until;
      return copy;
    },
    hasMore: () => start < end,
    watch: read,
  };
}
