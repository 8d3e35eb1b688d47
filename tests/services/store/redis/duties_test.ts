import assert from "node:assert/strict";
import type { Store } from "../../../../services/store/port/store.ts";
import { openRedisStore } from "../../../../services/store/redis/store.ts";
import type { RedisTransport } from "../../../../services/store/redis/transport.ts";
import { createPatientTransport } from "../../../support/patient_transport.ts";
import { startRedisServer } from "../../../../simulator/kit/redis_server.ts";
import { redisTest } from "../../../support/needs_redis.ts";
import {
  accept,
  claimDeliveries,
  draft,
  messages,
  POLICY,
  publish,
  T0,
} from "../../../support/drafts.ts";
import { redisCommand } from "../../../support/redis_command.ts";

const HOUR = 3_600_000;

interface Opened {
  readonly store: Store;
  /** Beside the store's own, and not counted. */
  readonly redis: RedisTransport;
  /** How many round trips an action takes. */
  trips(action: () => Promise<unknown>): Promise<number>;
}

/** A store over RESP whose round trips are counted. */
async function withStore(shards: number, test: (opened: Opened) => Promise<void>): Promise<void> {
  await using server = await startRedisServer();
  const redis = createPatientTransport(server.url);
  let sent = 0;
  function counted<Args extends unknown[], Reply>(send: (...args: Args) => Promise<Reply>) {
    return (...args: Args) => {
      sent++;
      return send(...args);
    };
  }
  const store = openRedisStore({
    transport: {
      script: counted(redis.script),
      pipeline: counted(redis.pipeline),
      close: redis.close,
    },
    shards,
    policy: POLICY,
  });
  try {
    await test({
      store,
      redis,
      async trips(action) {
        const before = sent;
        await action();
        return sent - before;
      },
    });
  } finally {
    await store.close();
  }
}

async function keysOf(redis: RedisTransport, pattern: string): Promise<string[]> {
  const keys = await redisCommand(redis, ["KEYS", pattern]);
  assert(Array.isArray(keys));
  return keys.map(String).toSorted();
}

redisTest("each duty of records and SMS is one round trip, over three shards too", async () => {
  await withStore(3, async ({ store, trips }) => {
    await accept(store, "S1", "a");
    await publish(store, [
      draft({ data: messages([1]), smsMessages: [{ index: 1, sentAtMs: T0 }] }),
    ]);
    const [delivery] = (await claimDeliveries(store, T0)).deliveries;
    assert(delivery);
    const { version } = await store.listWebhooks();
    const name = { kind: "opt-out", key: "k" } as const;
    const guarded = draft({
      guard: { kind: "sms-status", key: "k", expected: null, text: "x", untilMs: T0 + HOUR },
    });
    const find = () =>
      store.findCustomerSession({ customerDigits: ["1"], senderDigits: ["2"], nowMs: T0 });
    // The first time Redis does not know the script yet.
    assert.equal(await trips(find), 2);
    const counts = {
      read: await trips(() => store.readRecord(name, T0)),
      write: await trips(() =>
        store.writeRecord({ ...name, text: "x", expected: null, untilMs: null, nowMs: T0 })
      ),
      guard: await trips(() =>
        store.publish({ drafts: [guarded], nowMs: T0, webhooksVersion: version })
      ),
      note: await trips(() =>
        store.noteProgress({
          deliveryId: delivery.id,
          leaseToken: delivery.leaseToken,
          progressJson: "{}",
          nowMs: T0,
        })
      ),
      tokens: await trips(() =>
        store.takeTokens({ bucket: "b", tokens: 1, perSecond: 1, burst: 1, nowMs: T0 })
      ),
      find: await trips(find),
      unseen: await trips(() => store.firstUnseenMessage(["S1", "S1"])),
    };
    assert.deepEqual(new Set(Object.values(counts)), new Set([1]), JSON.stringify(counts));
  });
});

redisTest("records go by themselves, an hour after their time at the latest", async () => {
  await withStore(1, async ({ store, redis }) => {
    const write = (key: string, untilMs: number | null, near?: string) =>
      store.writeRecord({
        kind: "idempotency",
        key,
        ...(near === undefined ? {} : { near }),
        text: "x",
        untilMs,
        nowMs: T0,
      });
    await write("far", T0 + HOUR);
    await write("near", T0 + HOUR, "S1");
    await write("ever", null);
    const life = async (key: string) => Number(await redisCommand(redis, ["PTTL", key]));
    for (const key of ["pb:{0}:record:idempotency:far", "pb:{0}:near:2:S1:idempotency:near"]) {
      const left = await life(key);
      assert(left > HOUR && left <= 2 * HOUR, `${key} has ${left} ms`);
    }
    assert.equal(await life("pb:{0}:record:idempotency:ever"), -1);
    await claimDeliveries(store, T0 + HOUR, { sweep: true });
    assert.deepEqual(await keysOf(redis, "*idempotency*"), [
      "pb:{0}:near:2:S1:idempotency:near",
      "pb:{0}:record:idempotency:ever",
      "pb:{0}:records:idempotency",
    ]);
    assert.deepEqual(await keysOf(redis, "*record-ends*"), []);
  });
});

redisTest(
  "the way from a number to a session leaves no key once the session has ended",
  async () => {
    await withStore(1, async ({ store, redis }) => {
      await accept(store, "S1", "a");
      for (const phone of ["+1 555 0001", "15550002"]) {
        await publish(store, [draft({ observed: { phone } })]);
      }
      assert.deepEqual(await keysOf(redis, "*customer*"), ["pb:{0}:customer:15550002"]);
      const left = Number(await redisCommand(redis, ["PTTL", "pb:{0}:customer:15550002"]));
      assert(left > POLICY.sessionTtlMs && left <= POLICY.sessionTtlMs + HOUR, `${left} ms`);
      // It lives as long as the mapping: using that prolongs both.
      await redisCommand(redis, ["PEXPIRE", "pb:{0}:customer:15550002", "60000"]);
      await store.readSession("S1", { nowMs: T0, slide: "a" });
      assert(Number(await redisCommand(redis, ["PTTL", "pb:{0}:customer:15550002"])) > 60_000);
      const { version } = await store.listWebhooks();
      const end = { sessionId: "S1", agentId: "a", nowMs: T0, effect: { kind: "end" } } as const;
      await store.applyEffect(end, draft(), version);
      assert.deepEqual(await keysOf(redis, "*customer*"), []);
      // One that lapses is swept.
      await accept(store, "S1", "a");
      assert.deepEqual(await keysOf(redis, "*customer*"), ["pb:{0}:customer:15550002"]);
      await claimDeliveries(store, T0 + POLICY.sessionTtlMs, { sweep: true });
      assert.deepEqual(await keysOf(redis, "*customer*"), []);
    });
  },
);

redisTest("a mapping made before numbers led to sessions is found once it is used", async () => {
  await withStore(1, async ({ store, redis }) => {
    await accept(store, "S1", "a");
    const customer = { phone: "+1 555 0001", sender: null };
    await store.setCustomer({ sessionId: "S1", customer, nowMs: T0 });
    // As the program before left it.
    await redisCommand(redis, ["HDEL", "pb:{0}:s:S1", "customer"]);
    await redisCommand(redis, ["DEL", "pb:{0}:customer:15550001"]);
    const find = () =>
      store.findCustomerSession({ customerDigits: ["15550001"], senderDigits: [""], nowMs: T0 });
    assert.equal(await find(), null);
    await publish(store, [draft()]);
    assert.equal(await find(), "S1");
  });
});

redisTest("a bucket is forgotten once it is full again", async () => {
  await withStore(1, async ({ store, redis }) => {
    const take = (tokens: number) =>
      store.takeTokens({ bucket: "b", tokens, perSecond: 0.01, burst: 2, nowMs: T0 });
    // Two of them and ten owed: 1,200 s until it is full.
    assert.equal(await take(12), 0);
    const left = Number(await redisCommand(redis, ["PTTL", "pb:{0}:bucket:named:b"]));
    assert(left > HOUR + 1_190_000 && left <= HOUR + 1_200_000, `${left} ms`);
  });
});

redisTest(
  "a settlement with a guarded draft of a session in another shard is a fault",
  async () => {
    await withStore(3, async ({ store }) => {
      await accept(store, "S1", "a");
      await publish(store, [
        draft({ data: messages([1]), smsMessages: [{ index: 1, sentAtMs: T0 }] }),
      ]);
      const [delivery] = (await claimDeliveries(store, T0)).deliveries;
      assert(delivery);
      const { version } = await store.listWebhooks();
      const settle = (sessionId: string) =>
        store.settleDeliveries({
          settlements: [{
            deliveryId: delivery.id,
            leaseToken: delivery.leaseToken,
            nowMs: T0,
            attemptJson: "{}",
            next: { status: "delivered" },
            health: null,
            drafts: [draft({
              sessionId,
              guard: { kind: "sms-status", key: "k", expected: null, text: "x", untilMs: null },
            })],
          }],
          webhooksVersion: version,
        });
      // Of these some are in each shard.
      const others = Array.from({ length: 20 }, (_, n) => `other-${n}`);
      const faults = await Promise.all(
        others.map((id) => settle(id).then(() => null, (error: unknown) => error)),
      );
      const refused = faults.filter((error) => error !== null);
      assert(refused.length > 0 && refused.length < others.length);
      for (const error of refused) {
        assert(error instanceof Error && /guarded draft/.test(error.message), String(error));
      }
    });
  },
);
