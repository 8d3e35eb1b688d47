import assert from "node:assert/strict";
import { singleSend } from "../../../../services/support/single_send.ts";
import {
  openUpstreamConnections,
  POOL_IDLE_MS,
} from "../../../../services/contact_centre/rest/connections.ts";

/** Counts the connections that requests come by. */
function startCountingServer() {
  const ports = new Set<number>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request, { remoteAddr }) => {
      await request.body?.cancel();
      if (remoteAddr.transport === "tcp") ports.add(remoteAddr.port);
      return new Response("ok");
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    connections: () => ports.size,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function post(url: string, upstreamFetch: typeof fetch) {
  const body = singleSend(new TextEncoder().encode("x"));
  await (await upstreamFetch(url, { method: "POST", body })).text();
}

Deno.test("upstream's connections are kept from one request to the next", async () => {
  await using server = startCountingServer();
  const connections = openUpstreamConnections({ fetch });
  for (let sent = 0; sent < 5; sent++) await post(server.url, connections.fetch);
  assert.equal(server.connections(), 1);
  connections.close();
});

Deno.test("an upstream connection that was idle for too long is not used any more", async () => {
  await using server = startCountingServer();
  const connections = openUpstreamConnections({ fetch, idleMs: 0 });
  for (let sent = 0; sent < 5; sent++) await post(server.url, connections.fetch);
  assert.equal(server.connections(), 5);
  connections.close();
});

Deno.test("upstream's connections are given up before its Jetty closes them, after 30 s", () => {
  assert.ok(POOL_IDLE_MS < 30_000);
});
