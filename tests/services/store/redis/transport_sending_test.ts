import assert from "node:assert/strict";
import { createRespTransport } from "../../../../services/store/redis/resp_transport.ts";
import { createUpstashTransport } from "../../../../services/store/redis/upstash_transport.ts";
import { SECRET, TOKEN, unavailable } from "./transport_errors.ts";
import { redisCommand } from "../../../support/redis_command.ts";

// A server that answers the first request and then breaks, in one way or another, shows how often the rest arrives.

const BREAKS: Record<string, (connection: Deno.TcpConn) => Promise<void>> = {
  "closes the connection": async () => {},
  "closes the connection in the middle of the answer": async (connection) => {
    await connection.write(bytes('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"result":'));
  },
  "answers 500": (connection) => answerHttp(connection, "500 Broken", '{"error": "ERR broken"}'),
  "sends it elsewhere": (connection) =>
    answerHttp(connection, "307 Elsewhere\r\nlocation: /elsewhere", ""),
  "answers 502 with a page": (connection) => answerHttp(connection, "502 Bad", "<html>"),
  "answers 200 with a page": (connection) => answerHttp(connection, "200 OK", "<html>"),
  "answers 200 with nothing that was asked for": (connection) =>
    answerHttp(connection, "200 OK", "{}"),
};

for (const [how, breakOff] of Object.entries(BREAKS)) {
  Deno.test(`over REST a command is sent once to a server that ${how}`, async () => {
    await using server = startBreaking(async (connection, seen) => {
      if (seen > 1) return await breakOff(connection);
      await answerHttp(connection, "200 OK", '{"result": "PONG"}');
      return "again";
    }, /SET[^]*\]$|PING/);
    const transport = createUpstashTransport({ url: `http://${server.address}`, token: TOKEN });

    // The second request goes over the kept connection, which is where clients repeat silently.
    assert.equal(await redisCommand(transport, ["PING"]), "PONG");
    await assert.rejects(redisCommand(transport, ["SET", "k", SECRET]), unavailable("run SET"));

    assert.equal(server.seen(), 2);
    await transport.close();
  });
}

Deno.test("over REST a command is sent once to a server that never answers", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using server = startBreaking(() => released, /\]$/);
  const transport = createUpstashTransport({
    url: `http://${server.address}`,
    token: TOKEN,
    deadlineMs: 200,
  });

  const startedAt = performance.now();
  await assert.rejects(
    redisCommand(transport, ["SET", "k", SECRET]),
    unavailable("run SET", "no answer within 200 ms"),
  );

  // Far from what it is where nothing is said, 1500, on a busy machine too.
  assert.ok(performance.now() - startedAt < 1_200);
  assert.equal(server.seen(), 1);
  release();
});

Deno.test("over RESP a command is sent once to a server that closes the connection", async () => {
  // The first thing that it is asked is whether it is a cluster.
  const answers = ["-ERR This instance has cluster support disabled\r\n", "+PONG\r\n"];
  await using server = startBreaking(async (connection, seen) => {
    const answer = answers[seen - 1];
    if (answer === undefined) return;
    await connection.write(bytes(answer));
    return "again";
  }, /\r\n$/);
  const transport = createRespTransport({ url: `redis://${server.address}` });

  assert.equal(await redisCommand(transport, ["PING"]), "PONG");
  await assert.rejects(redisCommand(transport, ["SET", "k", SECRET]), unavailable("run SET"));

  assert.equal(server.seen(), 3);
  await transport.close();
});

interface BreakingServer extends AsyncDisposable {
  readonly address: string;
  /** How many requests arrived. */
  seen(): number;
}

/**
 * A server that hands every request, whole when it matches `end`, to `answer` and closes the connection afterwards
 * unless `answer` wants another request on it.
 */
function startBreaking(
  answer: (connection: Deno.TcpConn, seen: number) => Promise<"again" | void>,
  end: RegExp,
): BreakingServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let seen = 0;

  async function serve(connection: Deno.TcpConn): Promise<void> {
    using _ = connection;
    const buffer = new Uint8Array(16_384);
    let request = "";
    while (true) {
      const length = await connection.read(buffer);
      if (length === null) return;
      request += new TextDecoder().decode(buffer.subarray(0, length));
      if (!end.test(request)) continue;
      request = "";
      if (await answer(connection, ++seen) !== "again") return;
    }
  }

  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) serving.push(serve(connection).catch(() => {}));
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    seen: () => seen,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
}

async function answerHttp(connection: Deno.TcpConn, status: string, body: string): Promise<void> {
  await connection.write(
    bytes(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
  );
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
