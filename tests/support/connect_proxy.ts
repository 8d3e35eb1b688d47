/** A proxy on loopback that is asked by CONNECT. It connects to loopback alone, whatever it is asked for. */
export interface ConnectProxy extends AsyncDisposable {
  readonly port: number;
  /** The request lines that it got. */
  readonly asked: readonly string[];
  /** `proxy-authorization` of each. */
  readonly authorizations: readonly (string | null)[];
}

export interface ConnectProxyOptions {
  /** The port of 127.0.0.1 to which an authority leads, or what the proxy answers instead. */
  readonly route: (authority: string) => number | string;
  /** PEM of its own certificate and key: then it is spoken to over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export function startProxy({ route, tls }: ConnectProxyOptions): ConnectProxy {
  const at = { hostname: "127.0.0.1", port: 0 };
  const listener = tls === undefined ? Deno.listen(at) : Deno.listenTls({ ...at, ...tls });
  const asked: string[] = [];
  const authorizations: (string | null)[] = [];
  const served: Promise<void>[] = [];

  async function serve(connection: Deno.Conn): Promise<void> {
    const head = await readHead(connection);
    if (head === null) return connection.close();
    const [line = "", ...headers] = head.split("\r\n");
    asked.push(line);
    authorizations.push(
      headers.find((header) => header.startsWith("proxy-authorization: "))?.slice(21) ?? null,
    );
    const routed = route(line.split(" ")[1] ?? "");
    if (typeof routed === "string") {
      const answer = /^\d/.test(routed) ? `HTTP/1.1 ${routed}\r\n\r\n` : "nonsense\r\n\r\n";
      if (routed !== "hangs up") await connection.write(new TextEncoder().encode(answer));
      return connection.close();
    }
    const inner = await Deno.connect({ hostname: "127.0.0.1", port: routed });
    await connection.write(new TextEncoder().encode("HTTP/1.1 200 Connected\r\n\r\n"));
    await Promise.allSettled([
      connection.readable.pipeTo(inner.writable),
      inner.readable.pipeTo(connection.writable),
    ]);
  }

  const accepting = (async () => {
    for await (const connection of listener) served.push(serve(connection));
  })().catch(() => {});
  return {
    port: (listener.addr as Deno.NetAddr).port,
    asked,
    authorizations,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.allSettled(served);
    },
  };
}

async function readHead(connection: Deno.Conn): Promise<string | null> {
  let text = "";
  const buffer = new Uint8Array(4_096);
  while (!text.endsWith("\r\n\r\n")) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) return null;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}
