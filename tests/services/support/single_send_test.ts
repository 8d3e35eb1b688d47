import assert from "node:assert/strict";
import { singleSend } from "../../../services/support/single_send.ts";

/** Answers the first request of each connection; reads the second and then breaks off. */
function startBreakingServer() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];

  async function serve(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(4096);
    for (let onConnection = 1;; onConnection++) {
      const length = await connection.read(buffer);
      if (length === null) break;
      requests.push(new TextDecoder().decode(buffer.subarray(0, length)));
      if (onConnection === 2 || requests.length > 3) break;
      await connection.write(new TextEncoder().encode("HTTP/1.1 204 No Content\r\n\r\n"));
    }
    connection.close();
  }

  const served = (async () => {
    const connections: Promise<void>[] = [];
    for await (const connection of listener) connections.push(serve(connection).catch(() => {}));
    await Promise.all(connections);
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/`,
    requests,
    close: async () => {
      listener.close();
      await served;
    },
  };
}

Deno.test("a body of singleSend() leaves once, whole, when the kept-alive connection dies under it", async () => {
  const server = startBreakingServer();
  {
    using client = Deno.createHttpClient({});
    const bytes = new TextEncoder().encode("an operation ✓");
    const post = () => fetch(server.url, { method: "POST", body: singleSend(bytes), client });
    assert.equal((await post()).status, 204);
    await assert.rejects(post(), TypeError);
  }
  await server.close();
  assert.equal(server.requests.length, 2);
  assert.match(server.requests[1] ?? "", /content-length: 16\r\n[^]*an operation ✓$/);
});
