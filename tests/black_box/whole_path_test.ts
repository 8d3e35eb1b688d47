import { redisTest } from "../support/needs_redis.ts";
import type { Sentence } from "./sentence.ts";
import { openRedis, openSqliteFile, openUpstash, type TestStore } from "./stores.ts";
import { ACCEPT_STORY } from "./story_accept.ts";
import { ID_STORY } from "./story_ids.ts";
import { ENDING_STORY } from "./story_ending.ts";
import { IDEMPOTENCY_STORY } from "./story_idempotency.ts";
import { INBOUND_SMS_STORY } from "./story_inbound_sms.ts";
import { MAPPING_STORY } from "./story_mapping.ts";
import { OPT_OUT_STORY } from "./story_opt_out.ts";
import { OWNERSHIP_STORY } from "./story_ownership.ts";
import { SMS_STORY } from "./story_sms.ts";
import { SMS_STATUS_STORY } from "./story_sms_status.ts";
import { TWO_READINGS_STORY } from "./story_two_readings.ts";
import { WEBHOOK_STORY } from "./story_webhooks.ts";
import { startWorld } from "./world.ts";

const STORY: readonly Sentence[] = [
  ...ACCEPT_STORY,
  ...OWNERSHIP_STORY,
  ...MAPPING_STORY,
  ...ENDING_STORY,
  ...IDEMPOTENCY_STORY,
  ...WEBHOOK_STORY,
  ...SMS_STORY,
  ...SMS_STATUS_STORY,
  ...INBOUND_SMS_STORY,
  ...OPT_OUT_STORY,
  ...TWO_READINGS_STORY,
  ...ID_STORY,
];

Deno.test("the whole path with SQLite in a file", (t) => tell(t, openSqliteFile));
redisTest("the whole path with a Redis", (t) => tell(t, () => openRedis()));
redisTest("the whole path with Upstash's REST protocol", (t) => tell(t, openUpstash));

async function tell(t: Deno.TestContext, openStore: () => Promise<TestStore>): Promise<void> {
  await using store = await openStore();
  await using world = await startWorld(store);
  for (const { says, run } of STORY) {
    await t.step(says, async () => {
      await run(world);
      // Otherwise each event of a later sentence would go to the consumers of all that came before.
      await world.forgetConsumers();
    });
  }
}
