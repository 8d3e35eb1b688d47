/** Servers that answer with bytes of a test's own choice, for what no HTTP server would say. */

/** A TCP server that reads one request from each connection, writes `answer` and closes. */
export function startRawServer(answer: string): {
  readonly url: URL;
  readonly requests: () => number;
} & AsyncDisposable {
  return startKeepAliveServer(() => ({ answer, close: true }));
}

/** A TCP server that is told for each request (counted from 1) what to write and whether to close then. */
export function startKeepAliveServer(
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
