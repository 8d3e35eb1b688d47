import assert from "node:assert/strict";
import { connect as connectSocket } from "node:net";
import { Buffer } from "node:buffer";
import { NoAnswer } from "../../../../services/store/redis/no_answer.ts";
import { createRespLink } from "../../../../services/store/redis/resp_link.ts";
import { startRedisServer } from "../../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../../support/needs_redis.ts";

redisTest("a link gives the replies in order, error replies among them", async () => {
  await using server = await startRedisServer();
  const link = createRespLink({ url: server.url, deadlineMs: 20_000 });

  const replies = await link.send([["SET", "k", "v"], ["INCR", "k"], ["GET", "k"], ["GET", "-"]]);

  assert.equal(replies[0], "OK");
  assert.match(String(replies[1]), /ERR value is not an integer/);
  assert.deepEqual(replies.slice(2), ["v", null]);
  await link.close();
});

redisTest("a link asked for bytes gives bulk strings as they are", async () => {
  await using server = await startRedisServer();
  const link = createRespLink({ url: server.url, deadlineMs: 20_000, bulk: "bytes" });
  const bytes = Buffer.from([0xff, 0x00, 0x0d, 0x0a]);

  const replies = await link.send([["SET", "k", bytes], ["GET", "k"], ["MGET", "k", "-"]]);

  assert.deepEqual(replies, ["OK", bytes, [bytes, null]]);
  await link.close();
});

redisTest(
  "a link reaches a Redis that was away, with the first command after it is back",
  async () => {
    await using server = await startRedisServer();
    const link = createRespLink({ url: server.url, deadlineMs: 20_000, longestBackoffMs: 0 });
    await link.send([["PING"]]);

    await server.kill();
    await assert.rejects(link.send([["PING"]]), NoAnswer);
    await assert.rejects(link.send([["PING"]]), NoAnswer);
    await server.restart();

    assert.deepEqual(await link.send([["PING"]]), ["PONG"]);
    await link.close();
  },
);

redisTest("a link waits a random while before it connects again", async () => {
  await using server = await startRedisServer();
  let nowMs = 1000;
  const clock = {
    now: () => nowMs,
    after: (delayMs: number, run: () => void) => {
      const id = setTimeout(run, delayMs);
      return { cancel: () => clearTimeout(id) };
    },
  };
  const link = createRespLink({ url: server.url, deadlineMs: 20_000, clock, random: () => 0.5 });
  await server.kill();
  await assert.rejects(link.send([["PING"]]), /ECONNREFUSED/);
  await server.restart();

  // The first wait is between 25 and 50 ms, so 37.5 ms here.
  nowMs = 1037;
  await assert.rejects(link.send([["PING"]]), /a moment ago/);
  nowMs = 1038;
  assert.deepEqual(await link.send([["PING"]]), ["PONG"]);
  await link.close();
});

redisTest(
  "a link gives up a connection on which nothing comes back, and makes another",
  async () => {
    await using server = await startRedisServer();
    const link = createRespLink({ url: server.url, deadlineMs: 1_000 });
    const [before] = await link.send([["CLIENT", "ID"]]);

    server.pause();
    await assert.rejects(link.send([["PING"]]), /no answer within 1000 ms/);
    server.resume();
    const [after] = await link.send([["CLIENT", "ID"]]);

    assert.notEqual(before, after);
    await link.close();
  },
);

redisTest(
  "a link gives up a connection to a server that has become a replica, and makes another",
  async () => {
    await using server = await startRedisServer();
    const link = createRespLink({ url: server.url, deadlineMs: 20_000 });
    const [before] = await link.send([["CLIENT", "ID"]]);

    await server.cli("REPLICAOF", "127.0.0.1", "1");
    const [refusal] = await link.send([["SET", "k", "v"]]);
    assert.match(String(refusal), /READONLY/);
    await server.cli("REPLICAOF", "NO", "ONE");
    const [written, after] = await link.send([["SET", "k", "v"], ["CLIENT", "ID"]]);

    assert.equal(written, "OK");
    assert.notEqual(before, after);
    await link.close();
  },
);

redisTest("commands sent together share one connection and never mix their replies", async () => {
  await using server = await startRedisServer();
  const link = createRespLink({ url: server.url, deadlineMs: 20_000 });

  const all = await Promise.all(
    Array.from({ length: 50 }, (_, i) => link.send([["ECHO", `a${i}`], ["ECHO", `b${i}`]])),
  );

  assert.deepEqual(all, Array.from({ length: 50 }, (_, i) => [`a${i}`, `b${i}`]));
  assert.match(await server.cli("INFO", "stats"), /total_connections_received:3\r/);
  await link.close();
});

redisTest(
  "a link logs in as the user that the address names and selects its database",
  async () => {
    await using server = await startRedisServer();
    await server.cli("ACL", "SETUSER", "patch-bay", "on", ">p@ss/word", "~*", "+@all");
    await server.cli("ACL", "SETUSER", "default", "off");
    const address = (user: string) => server.url.replace("//", `//${user}@`) + "/3";
    const link = createRespLink({ url: address("patch-bay:p%40ss%2Fword"), deadlineMs: 20_000 });

    assert.deepEqual(await link.send([["ACL", "WHOAMI"]]), ["patch-bay"]);
    assert.match(String(await link.send([["CLIENT", "INFO"]])), / db=3 /);
    await link.close();

    const stranger = createRespLink({ url: address("patch-bay:wr0ng"), deadlineMs: 20_000 });
    await assert.rejects(stranger.send([["PING"]]), (error) => {
      assert.ok(error instanceof NoAnswer);
      assert.equal(error.message, "the connection failed: WRONGPASS");
      return true;
    });
    await stranger.close();
  },
);

Deno.test("a closed link has closed its connection", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const link = createRespLink({
    url: `redis://127.0.0.1:${listener.addr.port}`,
    deadlineMs: 20_000,
  });
  const replies = link.send([["PING"]]);
  using connection = await listener.accept();
  const buffer = new Uint8Array(64);
  await connection.read(buffer);
  await connection.write(new TextEncoder().encode("+PONG\r\n"));
  assert.deepEqual(await replies, ["PONG"]);

  await link.close();

  assert.equal(await connection.read(buffer), null);
});

Deno.test("a link to a server that takes connections and says nothing ends in time", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const { port } = listener.addr;
  const link = createRespLink({ url: `redis://:secret@127.0.0.1:${port}`, deadlineMs: 150 });

  await assert.rejects(link.send([["PING"]]), /no answer within 150 ms/);
  await link.close();
  (await accepted).close();
});

Deno.test("a link to a host that does not even refuse ends in time", async () => {
  // With its backlog full a listener lets further connections wait unanswered.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 0 });
  const { port } = listener.addr;
  const waiting = [1, 2, 3].map(() => connectSocket(port, "127.0.0.1").on("error", () => {}));
  const link = createRespLink({ url: `redis://127.0.0.1:${port}`, deadlineMs: 150 });

  await assert.rejects(link.send([["PING"]]), NoAnswer);
  await link.close();
  for (const socket of waiting) socket.destroy();
});

Deno.test("a closed link refuses commands and can be closed again", async () => {
  const link = createRespLink({ url: "redis://127.0.0.1:1", deadlineMs: 1_000 });
  await link.close();
  await link.close();
  await assert.rejects(link.send([["PING"]]), /the connection was closed/);
});
