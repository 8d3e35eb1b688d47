/** A request as the stand-in for the contact centre saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query as they came over the wire. */
  readonly target: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Aborts when Patchbay hangs up before it has the answer. */
  readonly signal: AbortSignal;
}

export interface ScriptedUpstream {
  readonly url: URL;
  readonly seen: readonly SeenRequest[];
  /** Resolves once `count` requests have come. */
  whenSeen(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A contact centre on loopback that answers as the test says. */
export function startUpstream(
  answer: (seen: SeenRequest) => Response | Promise<Response>,
): ScriptedUpstream {
  const seen: SeenRequest[] = [];
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { method, url, headers, signal } = request;
      const bytes = new Uint8Array(await request.arrayBuffer());
      const entry = { method, target: url.replace(/^http:\/\/[^/]*/, ""), headers, bytes, signal };
      seen.push(entry);
      waiting.filter(({ count }) => seen.length >= count).forEach(({ resolve }) => resolve());
      waiting = waiting.filter(({ count }) => seen.length < count);
      return await answer(entry);
    },
  );

  return {
    url: new URL(`http://127.0.0.1:${server.addr.port}`),
    seen,
    whenSeen: (count) =>
      new Promise((resolve) => {
        if (seen.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close: () => server.shutdown(),
  };
}

/** Resolves once the signal aborts, at once if it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A TCP listener that reads one request per connection and then says exactly these bytes before it closes. */
export function startRawUpstream(
  says: string | Uint8Array,
): { readonly url: URL; close(): Promise<void> } {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const bytes = typeof says === "string" ? new TextEncoder().encode(says) : says;

  async function speak(connection: Deno.Conn) {
    try {
      await connection.read(new Uint8Array(64 * 1024));
      for (let sent = 0; sent < bytes.length;) {
        sent += await connection.write(bytes.subarray(sent));
      }
    } catch {
      // The other side hung up first, as some tests have it.
    } finally {
      connection.close();
    }
  }
  const done = (async () => {
    for await (const connection of listener) await speak(connection);
  })();

  return {
    url: new URL(`http://127.0.0.1:${listener.addr.port}`),
    async close() {
      listener.close();
      await done;
    },
  };
}

/** The address of a port on loopback that nobody listens on. */
export function unreachableUrl(): URL {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const url = new URL(`http://127.0.0.1:${listener.addr.port}`);
  listener.close();
  return url;
}
