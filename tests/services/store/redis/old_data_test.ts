import assert from "node:assert/strict";
import { openRedisStore } from "../../../../services/store/redis/store.ts";
import { createPatientTransport } from "../../../support/patient_transport.ts";
import { startRedisServer } from "../../../../simulator/kit/redis_server.ts";
import { accept, draft, POLICY, publish, T0 } from "../../../support/drafts.ts";
import { redisTest } from "../../../support/needs_redis.ts";

const LATER = T0 + 60_000;

redisTest(
  "a session and a claim of a program that kept one seat and one claim are read as they are",
  async () => {
    await using redis = await startRedisServer();
    const transport = createPatientTransport(redis.url);
    const store = openRedisStore({ transport, shards: 1, policy: POLICY });
    const set = (key: string, fields: Readonly<Record<string, string | number>>) =>
      redis.cli("HSET", `pb:{0}:${key}`, ...Object.entries(fields).flat().map(String));
    try {
      const agents = JSON.stringify([{ agentId: "a", nickname: "Ann" }]);
      const times = {
        acceptedAt: T0,
        acceptedUpstream: T0,
        updatedAt: T0,
        expiresAt: T0 + 86_400_000,
      };
      const session = { agents, state: "Chatting", ...times };
      await set("s:S1", { ...session, seatUntil: LATER });
      await set("s:S2", { ...session, seatUntil: 0 });
      await set("c:S3", { agent: "b", token: "t", until: LATER, state: "Chatting" });

      const seats = async (id: string) =>
        (await store.readSession(id, { nowMs: T0, slide: false }))?.seatsUntilMs;
      assert.deepEqual([await seats("S1"), await seats("S2")], [[LATER], []]);
      assert.equal((await accept(store, "S1", "b")).outcome, "confirmed");
      assert.deepEqual(await seats("S1"), []);

      const claim = { sessionId: "S3", token: "u", nowMs: T0, untilMs: LATER };
      assert.deepEqual(await store.claimSession({ ...claim, agentId: "c" }), { outcome: "held" });
      assert.equal((await accept(store, "S3", "b")).outcome, "confirmed");
      const ending = { reason: "completed", stillIn: "untold" } as const;
      await publish(store, [draft({ sessionId: "S2", observed: { state: "Completed", ending } })]);
      assert.equal(await store.readSession("S2", { nowMs: T0, slide: false }), null);
    } finally {
      await store.close();
    }
  },
);
