import assert from "node:assert/strict";
import fc from "fast-check";
import { createRespTransport } from "../../../services/store/redis/resp_transport.ts";
import { openRedisStore } from "../../../services/store/redis/store.ts";
import type { RedisTransport } from "../../../services/store/redis/transport.ts";
import { createUpstashTransport } from "../../../services/store/redis/upstash_transport.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { startUpstashEndpoint } from "../../simulator/upstash/endpoint.ts";
import { redisTest, startRedisServer } from "../../support/redis_server.ts";
import { POLICY } from "./drafts.ts";
import { type Command, histories } from "./histories/commands.ts";
import { createPlayer, draftsOf, newHistory, type Player } from "./histories/player.ts";

const RUNS = Number(Deno.env.get("HISTORY_RUNS") ?? 1_000);

/** Plays one history on all engines, step by step; throws at the first answer that differs from SQLite's. */
async function playOnAll(history: readonly Command[], players: readonly Player[]): Promise<void> {
  const shared = newHistory();
  for (const command of history) {
    shared.step++;
    if (command.do === "wait") shared.nowMs += command.ms;
    const drafts = draftsOf(command, shared);
    const answers = await Promise.all(
      players.map((player) => player.play(command, shared, drafts)),
    );
    players.forEach(({ name }, at) => {
      assert.deepEqual(answers[at], answers[0], `${name} at step ${shared.step}, ${command.do}`);
    });
  }
}

redisTest(`${RUNS} random histories get the same answers from every engine`, async () => {
  await using started = new AsyncDisposableStack();
  const resp = started.use(await startRedisServer());
  const behindRest = started.use(await startRedisServer());
  const rest = started.use(
    await startUpstashEndpoint({ redisUrl: behindRest.url, token: "test" }),
  );
  const transports: [string, RedisTransport][] = [
    ["Redis over RESP", createRespTransport({ url: resp.url })],
    ["Redis over REST", createUpstashTransport({ url: rest.url, token: "test" })],
  ];
  started.defer(() => Promise.all(transports.map(([, transport]) => transport.close())).then());

  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const sqlite = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
      try {
        await Promise.all(transports.map(([, transport]) => transport.command(["FLUSHALL"])));
        await playOnAll(history, [
          createPlayer("SQLite", sqlite),
          ...transports.map(([name, transport]) =>
            createPlayer(name, openRedisStore({ transport, shards: 1, policy: POLICY }))
          ),
        ]);
      } finally {
        await sqlite.close();
      }
    }),
    { numRuns: RUNS },
  );
});
