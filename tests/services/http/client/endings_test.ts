import assert from "node:assert/strict";
import { createHttpClient } from "../../../../services/http/client.ts";
import type { Connector } from "../../../../services/http/connector.ts";
import { startDeadline } from "../../../../services/http/deadline.ts";
import type { Exchange } from "../../../../services/http/exchange.ts";
import type { Socket } from "../../../../services/http/socket_reader.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";
import { ask, bytesOf } from "./sockets.ts";

/** A socket that brings these bytes and is silent then; `silent` resolves when all of them were taken. */
function silentAfter(latin1: string) {
  const silent = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  const seen = { closes: 0 };
  let rest = bytesOf(latin1);
  const socket: Socket = {
    async read(into) {
      if (rest.length > 0) {
        into.set(rest);
        const count = rest.length;
        rest = bytesOf("");
        return count;
      }
      silent.resolve();
      await closed.promise;
      throw new Deno.errors.Interrupted("operation canceled");
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close() {
      seen.closes++;
      closed.resolve(seen.closes);
    },
  };
  return { socket, silent: silent.promise, seen };
}

interface Point {
  readonly name: string;
  /** What came before it ended. */
  readonly bytes: string;
  readonly begun: number | null;
}

const POINTS: readonly Point[] = [
  { name: "before the head", bytes: "", begun: null },
  { name: "within the head", bytes: "HTTP/1.1 200 OK\r\ncontent-", begun: null },
  { name: "after an interim head", bytes: "HTTP/1.1 100 Continue\r\n\r\n", begun: null },
  { name: "before the body", bytes: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", begun: 200 },
  { name: "within the body", bytes: "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", begun: 200 },
  {
    name: "within a chunk",
    bytes: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nok",
    begun: 200,
  },
  { name: "within what has no length", bytes: "HTTP/1.1 200 OK\r\n\r\nok", begun: 200 },
];

for (const how of ["timeout", "aborted"] as const) {
  for (const { name, bytes, begun } of POINTS) {
    Deno.test(`${how} ${name} closes the connection, and the request may have arrived`, async () => {
      const { socket, silent, seen } = silentAfter(bytes);
      const connect: Connector = () => Promise.resolve({ socket, address: "203.0.113.1" });
      const outcome = await endedAfter(connect, silent, how);
      assert.ok(outcome.kind === "failure");
      assert.deepEqual(
        [outcome.class, outcome.reached, outcome.begun?.status ?? null],
        [how, "maybe", begun],
      );
      assert.equal(seen.closes, 1);
    });
  }

  Deno.test(`${how} while there is no connection yet: the request has never arrived`, async () => {
    const asked = Promise.withResolvers<void>();
    const outcome = await endedAfter(
      (_target, { signal }) => {
        asked.resolve();
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        );
      },
      asked.promise,
      how,
    );
    assert.ok(outcome.kind === "failure");
    assert.deepEqual([outcome.class, outcome.reached], [how, "never"]);
  });

  Deno.test(`${how} while a connection is made that comes all the same: nothing is sent over it`, async () => {
    const { socket, seen } = silentAfter("");
    const written: Uint8Array[] = [];
    const made = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const connect: Connector = async () => {
      asked.resolve();
      await made.promise;
      return {
        socket: { ...socket, write: (bytes) => Promise.resolve(written.push(bytes)) },
        address: "203.0.113.1",
      };
    };
    const outcome = await endedAfter(connect, asked.promise, how, () => made.resolve());
    assert.ok(outcome.kind === "failure");
    assert.deepEqual([outcome.class, outcome.reached], [how, "never"]);
    assert.deepEqual([seen.closes, written.length], [1, 0]);
  });
}

async function endedAfter(
  connect: Connector,
  point: Promise<void>,
  how: "timeout" | "aborted",
  then: () => void = () => {},
): Promise<Exchange> {
  const clock = createVirtualClock();
  const giving = new AbortController();
  const client = createHttpClient({ connect, clock });
  const deadline = startDeadline({ clock, timeoutMs: 1_000, signal: giving.signal });
  const outcome = ask(client.transport, { method: "POST", body: bytesOf("{}") }, deadline);
  await point;
  if (how === "timeout") clock.advance(1_000);
  else giving.abort();
  then();
  const ended = await outcome;
  client.close();
  assert.equal(clock.pending(), 0);
  return ended;
}

Deno.test("an exchange that is over hears no more of its deadline, and its connection goes on", async () => {
  const clock = createVirtualClock();
  const { socket, seen } = silentAfter("HTTP/1.1 204 No Content\r\n\r\n");
  const connect: Connector = () => Promise.resolve({ socket, address: "203.0.113.1" });
  const client = createHttpClient({ connect, clock });
  const giving = new AbortController();
  const deadline = startDeadline({ clock, timeoutMs: 1_000, signal: giving.signal });
  const outcome = await client.transport({
    method: "GET",
    url: "http://other.test/",
    headers: {},
    body: null,
  }, deadline);
  assert.equal(outcome.status, 204);
  clock.advance(1_000);
  giving.abort();
  assert.equal(seen.closes, 0);
  deadline[Symbol.dispose]();
  client.close();
});

Deno.test("a socket that breaks has perhaps brought the request there; its error is told", async () => {
  for (const fails of ["read", "write"] as const) {
    const socket: Socket = {
      read: () =>
        fails === "read"
          ? Promise.reject(new Deno.errors.ConnectionReset("Connection reset by peer"))
          : Promise.resolve(null),
      write: (bytes) =>
        fails === "write"
          ? Promise.reject(new Deno.errors.BrokenPipe("Broken pipe"))
          : Promise.resolve(bytes.length),
      close: () => {},
    };
    const connect: Connector = () => Promise.resolve({ socket, address: "203.0.113.1" });
    const client = createHttpClient({ connect, clock: createVirtualClock() });
    const outcome = await ask(client.transport);
    assert.ok(outcome.kind === "failure");
    assert.deepEqual([outcome.class, outcome.reached], ["connection-lost", "maybe"]);
    const detail = fails === "read"
      ? "Connection reset by peer"
      : "The connection closed before there was an answer";
    assert.equal(outcome.detail, detail);
  }
});

Deno.test("a reset within a chunk leaves what came, as unfinished", async () => {
  const { socket } = silentAfter("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nok");
  let reads = 0;
  const connect: Connector = () =>
    Promise.resolve({
      socket: {
        ...socket,
        read: (into) =>
          reads++ === 0
            ? socket.read(into)
            : Promise.reject(new Deno.errors.ConnectionReset("Connection reset by peer")),
      },
      address: "203.0.113.1",
    });
  const client = createHttpClient({ connect, clock: createVirtualClock() });
  const outcome = await ask(client.transport);
  assert.ok(outcome.kind === "failure" && outcome.begun !== null);
  assert.equal(outcome.class, "connection-lost");
  assert.deepEqual(outcome.begun.body, bytesOf("ok"));
});
