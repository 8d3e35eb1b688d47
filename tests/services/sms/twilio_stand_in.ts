/** One request to create a message, as it came in. */
export interface ReceivedMessage {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly to: string | null;
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
  readonly body: string | null;
  /** Aborts when the caller goes away. */
  readonly gone: AbortSignal;
}

export interface TwilioStandIn extends AsyncDisposable {
  readonly url: URL;
  readonly received: readonly ReceivedMessage[];
}

/** A Twilio on loopback that answers as it is told; by default it takes every message. */
export function startTwilioStandIn(
  answer: (message: ReceivedMessage) => Response | Promise<Response> = () => taken(),
): TwilioStandIn {
  const received: ReceivedMessage[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const form = new URLSearchParams(await request.text());
    const message = {
      method: request.method,
      path: new URL(request.url).pathname,
      authorization: request.headers.get("authorization"),
      to: form.get("To"),
      from: form.get("From"),
      messagingServiceSid: form.get("MessagingServiceSid"),
      body: form.get("Body"),
      gone: request.signal,
    };
    received.push(message);
    return await answer(message);
  });
  return {
    url: new URL(`http://127.0.0.1:${server.addr.port}`),
    received,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

export const SID = `SM${"0123456789abcdef".repeat(2)}`;

/** HTTP 201 as Twilio gives it for a message that it queued. */
export function taken(): Response {
  return Response.json({ sid: SID, status: "queued", error_code: null }, { status: 201 });
}

/** An error as Twilio gives it; like the real one it quotes the number. */
export function refused(
  status: number,
  code: number,
  headers: Record<string, string> = {},
): Response {
  const message = "Something is wrong with '+16501111111'";
  return Response.json({ code, message, more_info: "https://example.com", status }, {
    status,
    headers,
  });
}

/** Does not answer until the caller has gone. */
export function silence({ gone }: ReceivedMessage): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  gone.addEventListener("abort", () => resolve(new Response()));
  return promise;
}

/** A TCP server that reads one request from each connection, writes `answer` and closes. */
export function startRawStandIn(answer: string): {
  readonly url: URL;
  readonly requests: () => number;
} & AsyncDisposable {
  return startKeepAliveStandIn(() => ({ answer, close: true }));
}

/** A TCP server that is told for each request (counted from 1) what to write and whether to close then. */
export function startKeepAliveStandIn(
  script: (request: number) => { readonly answer: string; readonly close: boolean },
): { readonly url: URL; readonly requests: () => number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let requests = 0;
  const connections: Deno.Conn[] = [];
  const serveConnection = async (connection: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    // Small requests on loopback: one read is one request.
    while (await connection.read(buffer).catch(() => null) !== null) {
      const { answer, close } = script(++requests);
      await connection.write(new TextEncoder().encode(answer));
      if (close) return closeQuietly(connection);
    }
  };
  const serving = (async () => {
    const served: Promise<void>[] = [];
    for await (const connection of listener) {
      connections.push(connection);
      served.push(serveConnection(connection));
    }
    await Promise.all(served);
  })();
  return {
    url: new URL(`http://127.0.0.1:${listener.addr.port}`),
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      listener.close();
      connections.forEach(closeQuietly);
      await serving;
    },
  };
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
