import type { IncomingMessage, ServerResponse } from "node:http";
import { untilAborted } from "./until_aborted.ts";

/** One request and its answer as the connection sees them; Hono handlers find it as `c.env`. */
export interface Exchange {
  /** The request target as it stood on the wire, before URL normalising. */
  readonly target: string;
  /** Settles, and never rejects, once the answer counts as given: handed to the network whole, withheld, or impossible. */
  readonly answered: Promise<void>;
  /** Lets `answered` settle although the client will not get the answer, or not now. */
  markAnswered(): void;
  /** Breaks the connection with a TCP reset. */
  reset(): void;
}

/** A web-standard handler that also sees the connection. */
export type ExchangeHandler = (request: Request, exchange: Exchange) => Promise<Response>;

/**
 * Serves one request of a `node:http` server by a web-standard handler. `Deno.serve` would be shorter but cannot break
 * a connection before it has answered, and that is a fault worth simulating.
 */
export async function serveExchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  origin: string,
  handle: ExchangeHandler,
): Promise<void> {
  const clientGone = new AbortController();
  const { promise: answered, resolve: markAnswered } = Promise.withResolvers<void>();
  outgoing.once("finish", markAnswered);
  outgoing.once("close", () => {
    markAnswered();
    if (!outgoing.writableFinished) clientGone.abort();
  });
  const exchange: Exchange = {
    target: incoming.url ?? "/",
    answered,
    markAnswered,
    reset() {
      // Not left to the close event: by then an answer written meanwhile could count as finished.
      clientGone.abort();
      incoming.socket.resetAndDestroy();
    },
  };
  const body = await readBody(incoming);
  if (body === null) return;
  const request = new Request(new URL(exchange.target, origin), {
    method: incoming.method ?? "GET",
    headers: readHeaders(incoming),
    body: body.length === 0 ? null : body,
    signal: clientGone.signal,
  });
  const response = await handle(request, exchange);
  await writeResponse(response, outgoing, clientGone.signal);
}

/** The whole body, or null when the client went away while sending it. */
async function readBody(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk);
  } catch {
    return null;
  }
  return new Uint8Array(await new Blob(chunks.map((chunk) => new Uint8Array(chunk))).arrayBuffer());
}

function readHeaders({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  }
  return headers;
}

async function writeResponse(
  response: Response,
  outgoing: ServerResponse,
  clientGone: AbortSignal,
): Promise<void> {
  if (clientGone.aborted || outgoing.destroyed) {
    await response.body?.cancel();
    return;
  }
  const cookies = response.headers.getSetCookie();
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    ...(cookies.length > 0 ? { "set-cookie": cookies } : {}),
  });
  if (response.body !== null) await pipeBody(response.body, outgoing, clientGone);
  if (!outgoing.destroyed) outgoing.end();
}

async function pipeBody(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  clientGone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  clientGone.addEventListener("abort", cancel);
  // Deno 2.9.6 never calls a write back whose connection is closed under it.
  const gone = untilAborted(clientGone);
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done || clientGone.aborted) return;
      const written = new Promise<void>((resolve) => outgoing.write(value, () => resolve()));
      await Promise.race([written, gone]);
    }
  } catch {
    // A stream that errs says: break off here. FIN, not RST, so that what was sent still reaches the client.
    outgoing.socket?.destroy();
  } finally {
    clientGone.removeEventListener("abort", cancel);
  }
}
