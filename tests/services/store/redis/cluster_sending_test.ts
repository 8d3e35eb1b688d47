import assert from "node:assert/strict";
import { createRespTransport } from "../../../../services/store/redis/resp_transport.ts";
import { SECRET, unavailable } from "./transport_errors.ts";
import { redisCommand } from "../../../support/redis_command.ts";

// Servers that play nodes of a cluster, so that it can be counted what arrives at which.

interface PlayedNode extends AsyncDisposable {
  readonly port: number;
  /** The commands that arrived, without those for the slots. */
  readonly arrived: readonly string[];
}

/** `answer` gives a reply in RESP; null: it closes the connection instead. */
function playNode(answer: (command: string, port: number) => string | null): PlayedNode {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const arrived: string[] = [];

  async function serve(connection: Deno.TcpConn): Promise<void> {
    using _ = connection;
    const buffer = new Uint8Array(16_384);
    while (true) {
      const length = await connection.read(buffer);
      if (length === null) return;
      // What is sent is short enough to come whole.
      for (const command of commandsIn(new TextDecoder().decode(buffer.subarray(0, length)))) {
        if (command !== "CLUSTER SLOTS") arrived.push(command);
        const reply = answer(command, port);
        if (reply === null) return;
        await connection.write(new TextEncoder().encode(reply));
      }
    }
  }

  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) serving.push(serve(connection).catch(() => {}));
  })();
  return {
    port,
    arrived,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
}

/** Closed before the nodes are, which wait for their connections to end. */
function openTransport({ port }: PlayedNode) {
  const transport = createRespTransport({ url: `redis://127.0.0.1:${port}` });
  return { transport, [Symbol.asyncDispose]: () => transport.close() };
}

/** Each is an array of bulk strings (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
function commandsIn(text: string): string[] {
  return text.split(/^(?=\*)/m).map((command) =>
    [...command.matchAll(/\$\d+\r\n(.*)\r\n/g)].map(([, word]) => word).join(" ")
  );
}

/** The reply to CLUSTER SLOTS: one node has them all. */
function allSlotsAt(port: number): string {
  return `*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:${port}\r\n`;
}

Deno.test("in a cluster a command is sent once to a node that closes the connection", async () => {
  await using node = playNode((command, port) =>
    command === "CLUSTER SLOTS" ? allSlotsAt(port) : null
  );
  await using opened = openTransport(node);
  const { transport } = opened;

  await assert.rejects(redisCommand(transport, ["SET", "k", SECRET]), unavailable("run SET"));

  assert.deepEqual(node.arrived, [`SET k ${SECRET}`]);
});

Deno.test("in a cluster a command that a node refused as another's goes there, once", async () => {
  await using owner = playNode(() => "+OK\r\n");
  await using other = playNode((command, port) =>
    command === "CLUSTER SLOTS" ? allSlotsAt(port) : `-MOVED 12706 127.0.0.1:${owner.port}\r\n`
  );
  await using opened = openTransport(other);
  const { transport } = opened;

  assert.equal(await redisCommand(transport, ["SET", "k", "v"]), "OK");

  assert.deepEqual(other.arrived, ["SET k v"]);
  assert.deepEqual(owner.arrived, ["SET k v"]);
});

Deno.test("in a cluster a command is not sent round and round", async () => {
  await using node = playNode((command, port) =>
    command === "CLUSTER SLOTS" ? allSlotsAt(port) : `-MOVED 12706 127.0.0.1:${port}\r\n`
  );
  await using opened = openTransport(node);
  const { transport } = opened;

  await assert.rejects(
    redisCommand(transport, ["SET", "k", SECRET]),
    unavailable("run SET", "Redis refused SET: MOVED"),
  );

  assert.equal(node.arrived.length, 4);
});

Deno.test("a cluster without a node for the slot is unavailable", async () => {
  await using node = playNode(() => "*0\r\n");
  await using opened = openTransport(node);
  const { transport } = opened;

  await assert.rejects(
    redisCommand(transport, ["SET", "k", SECRET]),
    unavailable("run SET", "no node of the cluster serves the slot"),
  );

  assert.deepEqual(node.arrived, []);
});

Deno.test("a server that is loading is asked again whether it is a cluster", async () => {
  let loading = true;
  await using owner = playNode(() => "+OK\r\n");
  await using asked = playNode((command) => {
    if (loading) return "-LOADING Redis is loading the dataset in memory\r\n";
    return command === "CLUSTER SLOTS" ? allSlotsAt(owner.port) : "+NOT HERE\r\n";
  });
  await using opened = openTransport(asked);
  const { transport } = opened;

  await assert.rejects(
    redisCommand(transport, ["SET", "k", SECRET]),
    unavailable("run SET", "Redis refused SET: LOADING"),
  );
  loading = false;

  assert.equal(await redisCommand(transport, ["SET", "k", "2"]), "OK");
  assert.deepEqual(owner.arrived, ["SET k 2"]);
});
