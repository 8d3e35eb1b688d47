/** HTTP/1.1 byte for byte: `fetch` would put right what it is about to be sent. */

/** An answer, as far as it came. */
export interface WireAnswer {
  readonly status: number;
  /** Names in lower case; of one that comes again the values joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends whole requests and reads their answers, one after the other, by a connection that is opened anew when it has ended. */
export interface WireClient extends Disposable {
  /**
   * Null: the connection ended without an answer, as it may for what is no HTTP. Rejects where there is none within `withinMs`.
   * An answer without an end is read to the end of its head.
   */
  send(
    bytes: Uint8Array,
    options: { readonly isHead: boolean; readonly withinMs: number },
  ): Promise<WireAnswer | null>;
}

const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const READ_BYTES = 64 * 1024;

export function createWireClient(port: number): WireClient {
  let connection: Deno.TcpConn | null = null;

  function end(): void {
    try {
      connection?.close();
    } catch {
      // It is closed already.
    }
    connection = null;
  }

  async function exchange(bytes: Uint8Array, isHead: boolean): Promise<WireAnswer | null> {
    const isFresh = connection === null;
    connection ??= await Deno.connect({ hostname: "127.0.0.1", port });
    const conn = connection;
    try {
      const reading = readAnswer(conn, isHead);
      reading.catch(() => {});
      for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
      const answer = await reading;
      if (answer === null || mustEnd(answer)) end();
      if (answer !== null || isFresh) return answer;
    } catch (error) {
      end();
      if (isFresh) {
        if (
          error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe
        ) {
          return null;
        }
        throw error;
      }
    }
    // The other side may have closed the connection since the answer before.
    return await exchange(bytes, isHead);
  }

  return {
    async send(bytes, { isHead, withinMs }) {
      const { promise: tooLate, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        end();
        reject(new Error(`No answer within ${withinMs} ms`));
      }, withinMs);
      const exchanged = exchange(bytes, isHead);
      exchanged.catch(() => {});
      return await Promise.race([exchanged, tooLate]).finally(() => clearTimeout(timer));
    },
    [Symbol.dispose]: end,
  };
}

function mustEnd({ headers }: WireAnswer): boolean {
  return /\bclose\b/i.test(headers.get("connection") ?? "") || isEndless(headers);
}

function isEndless(headers: WireAnswer["headers"]): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") ?? false;
}

async function readAnswer(connection: Deno.Conn, isHead: boolean): Promise<WireAnswer | null> {
  let bytes = new Uint8Array(0);
  const buffer = new Uint8Array(READ_BYTES);

  /** False: there is no more. */
  async function more(): Promise<boolean> {
    const read = await connection.read(buffer);
    if (read === null) return false;
    const grown = new Uint8Array(bytes.length + read);
    grown.set(bytes);
    grown.set(buffer.subarray(0, read), bytes.length);
    bytes = grown;
    return true;
  }

  async function through(ending: string, from: number): Promise<number> {
    for (;;) {
      const at = indexOf(bytes, ending, from);
      if (at !== -1) return at + ending.length;
      if (!await more()) return -1;
    }
  }

  let headEnd = await through("\r\n\r\n", 0);
  // "Go on" (100) comes before the answer.
  if (headEnd !== -1 && latin1(bytes.subarray(0, 12)).endsWith(" 100")) {
    bytes = bytes.slice(headEnd);
    headEnd = await through("\r\n\r\n", 0);
  }
  if (headEnd === -1) return null;
  const { status, headers } = readHead(latin1(bytes.subarray(0, headEnd)));
  const answer = (body: Uint8Array) => ({ status, headers, body: utf8(body) });
  if (isHead || NO_BODY.has(status) || isEndless(headers)) return answer(new Uint8Array(0));

  if (headers.get("transfer-encoding") === "chunked") {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let at = headEnd;;) {
      const lineEnd = await through("\r\n", at);
      if (lineEnd === -1) throw new Error("The answer broke off within its chunks");
      const length = parseInt(latin1(bytes.subarray(at, lineEnd)), 16);
      while (bytes.length < lineEnd + length + 2) {
        if (!await more()) throw new Error("The answer broke off within a chunk");
      }
      if (length === 0) break;
      chunks.push(bytes.slice(lineEnd, lineEnd + length));
      at = lineEnd + length + 2;
    }
    return answer(new Uint8Array(await new Blob(chunks).arrayBuffer()));
  }

  const length = Number(headers.get("content-length") ?? 0);
  while (bytes.length < headEnd + length) {
    if (!await more()) throw new Error("The answer broke off within its body");
  }
  return answer(bytes.subarray(headEnd, headEnd + length));
}

function readHead(head: string): Pick<WireAnswer, "status" | "headers"> {
  const [statusLine = "", ...lines] = head.trimEnd().split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) throw new Error(`This is no status line: ${statusLine}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  return { status, headers };
}

function indexOf(bytes: Uint8Array, ending: string, from: number): number {
  const last = ending.charCodeAt(ending.length - 1);
  for (let at = bytes.indexOf(last, from); at !== -1; at = bytes.indexOf(last, at + 1)) {
    const start = at + 1 - ending.length;
    if (start >= from && latin1(bytes.subarray(start, at + 1)) === ending) return start;
  }
  return -1;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
