import assert from "node:assert/strict";
import { createDirectClient } from "../../../support/direct_client.ts";
import {
  createConnector,
  dialFirst,
  type Dialler,
  systemDialler,
} from "../../../../services/http/connector.ts";
import { createHttpClient } from "../../../../services/http/client.ts";
import { systemClock } from "../../../../services/support/clock.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";
import { ask } from "./sockets.ts";

/** Connections that come or fail when the test says so. */
function scriptedDials() {
  const dials: {
    address: string;
    signal: AbortSignal;
    come(): void;
    fail(message: string): void;
  }[] = [];
  const closed: string[] = [];
  const dial = (address: string, signal: AbortSignal) =>
    new Promise<{ close(): void }>((resolve, reject) => {
      const come = () => resolve({ close: () => void closed.push(address) });
      dials.push({ address, signal, come, fail: (message) => reject(new Error(message)) });
    });
  return { dials, closed, dial };
}

function start(addresses: readonly string[]) {
  const clock = createVirtualClock();
  const giving = new AbortController();
  const script = scriptedDials();
  const result = dialFirst(addresses, script.dial, { clock, signal: giving.signal })
    .then(({ address }) => address, (error: Error) => error.message);
  return { ...script, clock, giving, result };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("the first address that answers is taken, and no other is dialled", async () => {
  const { dials, clock, result } = start(["a", "b"]);
  dials[0]?.come();
  assert.equal(await result, "a");
  assert.deepEqual([dials.length, clock.pending()], [1, 0]);
});

Deno.test("an address that fails makes way for the next at once", async () => {
  const { dials, clock, result } = start(["a", "b", "c"]);
  dials[0]?.fail("a refuses");
  await turn();
  dials[1]?.fail("b refuses");
  await turn();
  dials[2]?.come();
  assert.equal(await result, "c");
  assert.equal(clock.pending(), 0);
});

Deno.test("an address that is silent for 250 ms is raced by the next; who comes second is closed", async () => {
  const { dials, closed, clock, result } = start(["a", "b", "c"]);
  clock.advance(249);
  assert.equal(dials.length, 1);
  clock.advance(1);
  assert.equal(dials.length, 2);
  dials[1]?.come();
  dials[0]?.come();
  assert.equal(await result, "b");
  assert.deepEqual(closed, ["a"]);
  assert.ok(dials[0]?.signal.aborted);
  assert.deepEqual([dials.length, clock.pending()], [2, 0]);
});

Deno.test("where none answers it fails as the first did", async () => {
  const { dials, clock, result } = start(["a", "b"]);
  dials[0]?.fail("a refuses");
  await turn();
  dials[1]?.fail("b refuses");
  assert.equal(await result, "a refuses");
  assert.equal(clock.pending(), 0);
});

Deno.test("dialling ends with the signal; what comes to stand later is closed", async () => {
  const { dials, closed, clock, giving, result } = start(["a", "b"]);
  giving.abort(new Error("given up"));
  assert.equal(await result, "given up");
  assert.ok(dials[0]?.signal.aborted);
  dials[0]?.come();
  await turn();
  assert.deepEqual(closed, ["a"]);
  assert.deepEqual([dials.length, clock.pending()], [1, 0]);
});

Deno.test("a port where nobody listens is a failed connection, and nothing has arrived", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const client = createDirectClient();
  const addresses: string[] = [];
  const outcome = await ask(client.transport, {
    url: `http://127.0.0.1:${port}/`,
    onAddress: (address) => addresses.push(address),
  });
  assert.ok(outcome.kind === "failure");
  assert.deepEqual(
    [outcome.class, outcome.reached, outcome.obstacle],
    ["connect-failed", "never", "refused"],
  );
  assert.deepEqual(addresses, ["127.0.0.1"]);
});

Deno.test("the caller is told which addresses are tried, and at last which one it is", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialler: Dialler = {
    dial: (address, _port, signal) =>
      address === "203.0.113.1"
        ? Promise.reject(new Error("nobody there"))
        : Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port, signal }),
    dialStream: systemDialler.dialStream,
  };
  const served = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(1_024));
    await connection.write(new TextEncoder().encode("HTTP/1.1 204 No Content\r\n\r\n"));
  })();
  const connect = createConnector({
    addressesOf: () => Promise.resolve(["203.0.113.1", "203.0.113.2"]),
    dialler,
    clock: systemClock,
  });
  const client = createHttpClient({ connect, clock: systemClock });
  const addresses: string[] = [];
  await ask(client.transport, { onAddress: (address) => addresses.push(address) });
  assert.deepEqual(addresses, ["203.0.113.1", "203.0.113.2", "203.0.113.2"]);
  await served;
  client.close();
  listener.close();
});
