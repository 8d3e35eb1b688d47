import assert from "node:assert/strict";
import { soakSmsSending } from "./soak/sms_sending.ts";
import { judgeTexts, type TextAccount } from "./soak/text_ledger.ts";
import { clockAhead, startLocalPatchbay } from "./support/local_patchbay.ts";
import { redisEnv } from "./support/patchbay_for_load.ts";
import { startRedisServer } from "../simulator/kit/redis_server.ts";
import { redisTest } from "./support/needs_redis.ts";

// The same at full size: `deno task soak`.
const SMALL = {
  sessions: 30,
  texts: 300,
  killEvery: 100,
  retryS: "0.1,0.2,0.3",
  withinMs: 60_000,
  heir: {
    kind: "later",
    start: (env: Readonly<Record<string, string>>, aheadMs: number) =>
      startLocalPatchbay(env, { clock: clockAhead(aheadMs) }),
  },
} as const;

Deno.test(
  "with a Twilio that fails one request in ten and three kills no text leaves twice, all are in order, and what is missing says why",
  async () => {
    const dir = await Deno.makeTempDir({ prefix: "texts-" });
    await soakSmsSending({ ...SMALL, storeEnv: { SQLITE_PATH: `${dir}/patchbay.db` }, seed: 1 });
    await Deno.remove(dir, { recursive: true });
  },
);

redisTest("the same holds with Redis", async () => {
  await using redis = await startRedisServer();
  await soakSmsSending({ ...SMALL, storeEnv: redisEnv(redis.url), seed: 2 });
});

// What the soak judges by has to be able to find fault.
const said = ["a", "b", "same", "same"].map((body, at) => ({
  sessionId: "S",
  index: at + 1,
  body,
}));

function account(
  taken: readonly string[],
  statuses: readonly (readonly [status: string, reason?: string | null])[],
): TextAccount {
  return {
    said,
    taken: taken.map((body) => ({ sessionId: "S", body })),
    deliveries: statuses.map(([status, reason = null], at) => ({
      sessionId: "S",
      messageIndex: at + 1,
      status,
      reason,
    })),
  };
}

const SENT = ["delivered"] as const;
const LOST = ["unknown", "no answer"] as const;

const ACCOUNTS: readonly (readonly [string, TextAccount, RegExp | null])[] = [
  [
    "everything as it should be",
    account(["a", "b", "same", "same"], [SENT, SENT, SENT, SENT]),
    null,
  ],
  ["one missing with a reason", account(["a", "same", "same"], [SENT, LOST, SENT, SENT]), null],
  ["one there whose fate is not known", account(["a", "b"], [SENT, LOST, LOST, LOST]), null],
  ["one twice", account(["a", "a"], [SENT, LOST, LOST, LOST]), /"a" is at Twilio 2 times, and/],
  [
    "one that is dead and there",
    account(["a"], [["dead", "x"], LOST, LOST, LOST]),
    /1 of 1 are dead/,
  ],
  ["one that counts as delivered", account(["a", "same"], [SENT, LOST, SENT, SENT]), /delivered 2/],
  ["one out of order", account(["b", "a"], [SENT, SENT, LOST, LOST]), /"a" came out of order/],
  ["one without a reason", account(["a"], [SENT, ["unknown"], LOST, LOST]), /unknown without a r/],
  ["one that still waits", account(["a"], [SENT, ["retrying"], LOST, LOST]), /still retrying/],
  ["one without a delivery", account(["a"], [SENT, LOST, LOST]), /text 4 has no delivery/],
];

for (const [what, given, expected] of ACCOUNTS) {
  Deno.test(`the account finds ${expected === null ? "no " : ""}fault with ${what}`, () => {
    const { faults } = judgeTexts(given);
    if (expected === null) assert.deepEqual(faults, []);
    else assert.match(faults.join("\n"), expected);
  });
}
