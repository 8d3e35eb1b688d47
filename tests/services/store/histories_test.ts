import assert from "node:assert/strict";
import fc from "fast-check";
import { createClient } from "redis";
import { openRedisStore } from "../../../services/store/redis/store.ts";
import type { RedisTransport } from "../../../services/store/redis/transport.ts";
import { createUpstashTransport } from "../../../services/store/redis/upstash_transport.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { startUpstashEndpoint } from "../../../simulator/upstash/endpoint.ts";
import { startRedisCluster } from "../../support/redis_cluster.ts";
import { startRedisServer } from "../../../simulator/kit/redis_server.ts";
import { createPatientTransport, PATIENT_MS } from "../../support/patient_transport.ts";
import { redisTest } from "../../support/needs_redis.ts";
import { POLICY } from "../../support/drafts.ts";
import { type Command, histories } from "./histories/commands.ts";
import { createPlayer, draftsOf, newHistory, type Player } from "./histories/player.ts";
import { redisCommand } from "../../support/redis_command.ts";

/** Of each kind; more of them, such as HISTORY_RUNS=1000, take minutes. */
const RUNS = Number(Deno.env.get("HISTORY_RUNS") ?? 100);

/** Plays one history on all engines, step by step; throws at the first answer that differs from SQLite's. */
async function playOnAll(
  history: readonly Command[],
  players: readonly Player[],
  shown: (answer: unknown) => unknown,
): Promise<void> {
  const shared = newHistory();
  for (const command of history) {
    shared.step++;
    if (command.do === "wait") shared.nowMs += command.ms;
    const drafts = draftsOf(command, shared);
    const answers = await Promise.all(
      players.map((player) => player.play(command, shared, drafts)),
    );
    players.forEach(({ name }, at) => {
      assert.deepEqual(
        shown(answers[at]),
        shown(answers[0]),
        `${name} at step ${shared.step}, ${command.do}`,
      );
    });
  }
}

/** Plays random histories on SQLite and on stores over these transports, each emptied before. */
async function compare(
  runs: number,
  { shards, shown }: { readonly shards: number; readonly shown: (answer: unknown) => unknown },
  transports: ReadonlyMap<string, RedisTransport>,
  empty: () => Promise<unknown>,
  commands: fc.Arbitrary<readonly Command[]>,
): Promise<void> {
  const play = async (history: readonly Command[]) => {
    const sqlite = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
    try {
      await empty();
      const others = [...transports].map(([name, transport]) =>
        createPlayer(name, openRedisStore({ transport, shards, policy: POLICY }))
      );
      await playOnAll(history, [createPlayer("SQLite", sqlite), ...others], shown);
    } finally {
      await sqlite.close();
    }
  };
  await fc.assert(fc.asyncProperty(commands, play), { numRuns: runs });
}

redisTest(`${RUNS} random histories get the same answers from every engine`, async () => {
  await using started = new AsyncDisposableStack();
  const resp = started.use(await startRedisServer());
  const behindRest = started.use(await startRedisServer());
  const rest = started.use(
    await startUpstashEndpoint({
      redisUrl: behindRest.url,
      token: "test",
      redisTimeoutMs: PATIENT_MS,
    }),
  );
  const transports = new Map<string, RedisTransport>([
    ["Redis over RESP", createPatientTransport(resp.url)],
    [
      "Redis over REST",
      createUpstashTransport({ url: rest.url, token: "test", deadlineMs: PATIENT_MS }),
    ],
  ]);
  started.defer(() => closeAll(transports));
  const empty = () =>
    Promise.all([...transports.values()].map((transport) => redisCommand(transport, ["FLUSHALL"])));
  await compare(RUNS, { shards: 1, shown: (answer) => answer }, transports, empty, histories);
});

// Which come first when there is no room for all is each shard's own affair, so here there always is room.
const roomyHistories = histories.map((history) =>
  history.map((command) => {
    if (command.do === "claimDeliveries") return { ...command, capacity: 1_000 };
    return command.do === "holdDeliveries" ? { ...command, limit: 1_000 } : command;
  })
);

/** A settlement tells of its own shard how its sinks stand and when something is due there. */
function withoutShare(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null || !("failing" in answer)) return answer;
  return { ...answer, failing: null, nextDueAtMs: null, tellsAll: null };
}

redisTest(`${RUNS} random histories get the same answers from a cluster`, async () => {
  await using started = new AsyncDisposableStack();
  const cluster = started.use(await startRedisCluster());
  const transports = new Map([["Redis Cluster", createPatientTransport(cluster.url)]]);
  started.defer(() => closeAll(transports));
  const links = await Promise.all(cluster.masters.map(({ server }) => emptier(server.url)));
  links.forEach((link) => started.defer(() => link.close()));
  const empty = () => Promise.all(links.map((link) => link.flush()));
  await compare(RUNS, { shards: 3, shown: withoutShare }, transports, empty, roomyHistories);
});

async function closeAll(transports: ReadonlyMap<string, RedisTransport>): Promise<void> {
  await Promise.all([...transports.values()].map((transport) => transport.close()));
}

/** Empties one node over a connection that stays: a process for each of thousands of times would take minutes. */
async function emptier(url: string) {
  const client = createClient({ url });
  await client.connect();
  return { flush: () => client.flushAll(), close: () => client.close() };
}
