import { redisTest } from "../support/redis_server.ts";
import type { Sentence } from "./sentence.ts";
import { openRedis, openSqliteFile, openUpstash, type TestStore } from "./stores.ts";
import { ACCEPT_STORY } from "./story_accept.ts";
import { OWNERSHIP_STORY } from "./story_ownership.ts";
import { SMS_STORY } from "./story_sms.ts";
import { WEBHOOK_STORY } from "./story_webhooks.ts";
import { startWorld } from "./world.ts";

const STORY: readonly Sentence[] = [
  ...ACCEPT_STORY,
  ...OWNERSHIP_STORY,
  ...WEBHOOK_STORY,
  ...SMS_STORY,
];

Deno.test("the whole path with SQLite in a file", (t) => tell(t, openSqliteFile));
redisTest("the whole path with a Redis", (t) => tell(t, () => openRedis()));
redisTest("the whole path with Upstash's REST protocol", (t) => tell(t, openUpstash));

async function tell(t: Deno.TestContext, openStore: () => Promise<TestStore>): Promise<void> {
  await using store = await openStore();
  await using world = await startWorld(store);
  for (const { says, run } of STORY) {
    await t.step(says, () => run(world));
  }
}
