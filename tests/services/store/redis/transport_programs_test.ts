import assert from "node:assert/strict";
import { createUpstashTransport } from "../../../../services/store/redis/upstash_transport.ts";
import { startUpstashEndpoint } from "../../../../simulator/upstash/endpoint.ts";
import { startRedisServer } from "../../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../../support/needs_redis.ts";
import { SECRET, TOKEN, unavailable } from "./transport_errors.ts";
import { redisCommand } from "../../../support/redis_command.ts";

redisTest("over REST a wrong token is told by the status of its refusal", async () => {
  await using redis = await startRedisServer();
  await using endpoint = await startUpstashEndpoint({ redisUrl: redis.url, token: TOKEN });
  const transport = createUpstashTransport({ url: endpoint.url, token: SECRET });

  await assert.rejects(
    transport.pipeline([["SET", "k", SECRET], ["GET", "k"]]),
    unavailable("run a pipeline of 2", "the answer has status 401"),
  );
});

redisTest("over REST one command is one request, and so is a pipeline", async () => {
  await using redis = await startRedisServer();
  await using endpoint = await startUpstashEndpoint({ redisUrl: redis.url, token: TOKEN });
  const transport = createUpstashTransport({ url: `${endpoint.url}/`, token: TOKEN });

  await Promise.all([redisCommand(transport, ["PING"]), redisCommand(transport, ["PING"])]);
  await transport.pipeline([["PING"], ["PING"], ["PING"]]);

  const { items } = endpoint.requests;
  assert.deepEqual(items.map(({ path }) => path), ["/", "/", "/pipeline"]);
  for (const { headers } of items) {
    const sent = [...headers.keys()];
    assert.ok(!sent.some((header) => header.startsWith("upstash-telemetry")), sent.join());
  }
});

redisTest("over RESP a closed transport lets the program end", async () => {
  await using redis = await startRedisServer();
  const program = `
    import { createRespTransport } from ${JSON.stringify(moduleUrl("resp_transport.ts"))};
    const transport = createRespTransport({ url: Deno.args[0] });
    await transport.pipeline([["PING"]]);
    await transport.close();
    const away = createRespTransport({ url: "redis://127.0.0.1:1" });
    await away.pipeline([["PING"]]).catch((error) => console.log(error.name));
    await away.close();
  `;
  const startedAt = performance.now();
  const output = await runProgram(program, redis.url);

  assert.equal(output, "StoreUnavailable");
  assert.ok(performance.now() - startedAt < 5000);
});

redisTest("neither transport reads the environment", async () => {
  await using redis = await startRedisServer();
  await using endpoint = await startUpstashEndpoint({ redisUrl: redis.url, token: TOKEN });
  const program = `
    import { createRespTransport } from ${JSON.stringify(moduleUrl("resp_transport.ts"))};
    import { createUpstashTransport } from ${JSON.stringify(moduleUrl("upstash_transport.ts"))};
    const [redisUrl, url, token] = Deno.args;
    for (const t of [createRespTransport({ url: redisUrl }), createUpstashTransport({ url, token })]) {
      console.log(...await t.pipeline([["PING"]]));
      await t.close();
    }
  `;

  assert.equal(await runProgram(program, redis.url, endpoint.url, TOKEN), "PONG\nPONG");
});

function moduleUrl(file: string): string {
  return new URL(`../../../../services/store/redis/${file}`, import.meta.url).href;
}

/** Runs a program that may use the network and nothing else, and gives what it printed. */
async function runProgram(text: string, ...args: string[]): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, text);
  const config = new URL("../../../../deno.json", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net=127.0.0.1", "--config", config, file, ...args],
  }).output();
  await Deno.remove(file);
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(stderr), "");
  return decoder.decode(stdout).trim();
}
