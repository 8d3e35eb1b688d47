import { type AnswerHead, malformed } from "./answer_head.ts";
import {
  createSocketReader,
  MAX_HEAD_BYTES,
  type Socket,
  type SocketReader,
} from "./socket_reader.ts";
import type { Ending } from "./deadline.ts";
import type { HttpAnswer, HttpBody } from "./transport.ts";

/** One HTTP/1.1 connection, for one exchange at a time. */
export interface HttpConnection {
  /**
   * Sends a request, once, and resolves as soon as the answer's head is there. Rejects when none comes, also because of the
   * ending, as the body then does. `bodiless`: the answer to this method is a head alone.
   */
  exchange(
    request: readonly Uint8Array[],
    options: { readonly bodiless: boolean; readonly ending: Ending },
  ): Promise<HttpAnswer>;
  /** Safe to call more than once. */
  close(): void;
}

export interface HttpConnectionOptions {
  /** @throws `MalformedAnswer` */
  readonly parseHead: (untrustedHead: string) => AnswerHead;
  /** Told after each exchange that leaves the connection usable, and for how long it is. */
  readonly onIdle: (idleMs: number) => void;
  /** Told once, when it is of no more use. */
  readonly onClosed: () => void;
}

const MAX_INTERIM_HEADS = 32;
const BODILESS: ReadonlySet<number> = new Set([204, 304]);
/** RFC 9112 §7.1: at most 2^52 bytes, and what may stand behind their number. */
const CHUNK = /^([0-9a-f]{1,13})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/i;

export function createHttpConnection(
  socket: Socket,
  { parseHead, onIdle, onClosed }: HttpConnectionOptions,
): HttpConnection {
  const reader = createSocketReader(socket);
  let isBusy = false;
  let isClosed = false;
  let isWritten = true;
  /** While nothing is asked a read stays pending, so that a FIN is seen before the connection is used again. */
  function rest(idleMs: number): void {
    isBusy = false;
    const ended = () => isBusy || connection.close();
    reader.watch().then(ended, ended);
    onIdle(idleMs);
  }

  async function write(request: readonly Uint8Array[]): Promise<void> {
    isWritten = false;
    for (const bytes of request) {
      for (let sent = 0; sent < bytes.length;) sent += await socket.write(bytes.subarray(sent));
    }
    isWritten = true;
  }

  async function readHead(): Promise<AnswerHead> {
    for (let interim = 0; interim <= MAX_INTERIM_HEADS; interim++) {
      const text = await reader.head();
      if (text === null) throw ended("before there was an answer");
      const head = parseHead(text);
      if (head.status >= 200) return head;
      if (head.status === 101) throw malformed("another protocol, which nobody asked for");
    }
    throw malformed("too many interim heads");
  }

  const connection: HttpConnection = {
    async exchange(request, { bodiless, ending }) {
      isBusy = true;
      ending.onEnd(connection.close);
      // Whoever answers early may hear no more of the request: the answer decides, and without one the reading fails too.
      write(request).catch(() => {});
      try {
        const head = await readHead();
        const { status, headers, framing, idleMs } = head;
        const isEmpty = bodiless || BODILESS.has(status) || framing === 0;
        const finish = () => {
          ending.onEnd(null);
          const persists = (isEmpty || framing !== "until-closed") && idleMs > 0;
          if (persists && isWritten && !reader.hasMore()) rest(idleMs);
          else connection.close();
        };
        if (!isEmpty) {
          return {
            status,
            headers,
            body: openBody(reader, head, { finish, close: connection.close }),
          };
        }
        finish();
        return { status, headers, body: null };
      } catch (error) {
        connection.close();
        throw error;
      }
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      try {
        socket.close();
      } catch {
        // A TLS connection that broke off may be closed already.
      }
      onClosed();
    },
  };
  return connection;
}

/** A body as it comes. `finish` is called with its last byte, `close` where it breaks off or is not wanted. */
function openBody(
  reader: SocketReader,
  { framing }: AnswerHead,
  { finish, close }: { readonly finish: () => void; readonly close: () => void },
): HttpBody {
  let left = framing === "until-closed" ? Infinity : framing === "chunked" ? 0 : framing;
  let isOver = false;
  let isFirstChunk = true;
  let extraBytes = 0;

  async function line(): Promise<string> {
    const text = await reader.line();
    if (text === null) throw ended("within its answer");
    return text;
  }

  function countExtra(bytes: number): void {
    extraBytes += bytes;
    if (extraBytes > MAX_HEAD_BYTES) throw malformed("too much around its chunks");
  }

  /** The size of the next chunk; behind the last one, whose size is 0, comes the trailer. */
  async function nextChunk(): Promise<number> {
    if (!isFirstChunk && await line() !== "") throw malformed("a chunk longer than its size");
    isFirstChunk = false;
    const text = await line();
    const [, size] = CHUNK.exec(text) ?? [];
    if (size === undefined) throw malformed("a chunk without a size");
    countExtra(text.length - size.length);
    if (parseInt(size, 16) > 0) return parseInt(size, 16);
    for (let field = await line(); field !== ""; field = await line()) countExtra(field.length);
    return 0;
  }

  async function next(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (framing === "chunked" && left === 0) left = await nextChunk();
    const bytes = left === 0 ? null : await reader.bytes(left);
    if (bytes === null && left > 0 && framing !== "until-closed") throw ended("within its answer");
    left -= bytes?.length ?? 0;
    if (bytes === null || (left === 0 && framing !== "chunked")) {
      isOver = true;
      finish();
    }
    return bytes;
  }

  return {
    async read() {
      try {
        return isOver ? null : await next();
      } catch (error) {
        close();
        throw error;
      }
    },
    cancel() {
      if (!isOver) close();
    },
  };
}

function ended(when: string): Error {
  return new Error(`The connection closed ${when}`);
}
