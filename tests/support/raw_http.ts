/** HTTP as it goes over the wire, for what no client would send. */

/** One answer, read by the rules of RFC 9112 §6.3. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RawExchange {
  readonly answers: readonly RawAnswer[];
  /** What came after the last whole answer. */
  readonly rest: string;
}

/** Longer than any answer takes on a busy machine; a server that keeps the connection open is a fault of the test. */
const CLOSED_WITHIN_MS = 15_000;

/**
 * Sends these bytes (text: UTF-8) over one connection and reads until the server closes it, which the last request is to ask for.
 * A connection that is reset counts as closed, as a server may close one that it has not read to its end.
 *
 * @param methods those of the requests that are answered, where one of them is HEAD
 */
export async function exchangeRaw(
  url: string,
  request: string | Uint8Array<ArrayBuffer>,
  methods: readonly string[] = [],
): Promise<RawExchange> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const late = setTimeout(() => connection.close(), CLOSED_WITHIN_MS);
  try {
    await sendAll(connection, typeof request === "string" ? encode(request) : request);
    return answersIn(await readAll(connection), methods);
  } finally {
    clearTimeout(late);
  }
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function sendAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  try {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  } catch (error) {
    if (!isReset(error)) throw error;
  }
}

async function readAll(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return text;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch (error) {
    if (isReset(error)) return text;
    throw error;
  }
}

function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}

function answersIn(text: string, methods: readonly string[]): RawExchange {
  const answers: RawAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (end === -1) return { answers, rest };
    const [statusLine = "", ...fields] = rest.slice(0, end).split("\r\n");
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1]);
    if (!(status >= 100)) return { answers, rest };
    const headers = new Map(fields.map((field) => {
      const [name = "", ...value] = field.split(":");
      return [name.toLowerCase(), value.join(":").trim()];
    }));
    rest = rest.slice(end + 4);
    // The lengths of these tests' answers are those of ASCII texts.
    const isHead = methods[answers.length] === "HEAD";
    const length = isHead || status < 200 ? 0 : Number(headers.get("content-length") ?? 0);
    const body = rest.slice(0, length);
    rest = rest.slice(length);
    if (status >= 200) answers.push({ status, headers, body });
  }
}
