import assert from "node:assert/strict";
import { redisTest } from "../support/needs_redis.ts";
import type { Client } from "./client.ts";
import {
  type Following,
  FOLLOWING_SCOPES,
  followInHurry,
  known,
  messagesTold,
} from "./following.ts";
import type { Call, GuardedUpstream } from "./guarded_upstream.ts";
import { agentText } from "./notifications.ts";
import { openRedis, openSqliteFile, type TestStore } from "./stores.ts";

const CREDENTIALS = "/v1/agents/me/credentials";
const BOB = { username: "bob", password: "staple" };
/** README, "Who goes upstream": another instance knows by then. */
const KNOWN_EVERYWHERE_WITHIN_MS = 30_000;

const SENTENCES: Readonly<Record<string, Following>> = {
  async "with new credentials the CometD session begins anew at once, and nothing carries the old ones"(
    world,
    centre,
  ) {
    const agent = await known(world, "agent-1", "ada");
    await start(agent);
    await centre.bayeux.heard("ada", "connect", 2);

    assert.equal((await agent.put(CREDENTIALS, BOB)).status, 204);
    const before = centre.calls.items.length;
    assert.equal(centre.bayeux.sessions("ada"), 0);
    await centre.bayeux.heard("bob", "connect", 2);
    const session = await theSessionOf(agent, world.freshSession());
    for (let round = 1; round <= 3; round++) {
      // Ends the connect that is held, so that polls and other requests take turns.
      centre.say(session, agentText(round, "Hi"));
      await centre.bayeux.heard("bob", "connect", 2 + round);
      assert.equal((await agent.get("/api/v2/me")).status, 200);
    }
    const after = centre.calls.items.slice(before);
    assert.deepEqual([...new Set(after.map(authorizationOf))], [`Basic ${btoa("bob:staple")}`]);
    assert.equal(cookiesOf(after).size, 1, "polls and other requests are one HTTP session");
    assert.equal(cookiesOf(centre.calls.items).size, 2);
    assertNotTurnedAway(centre);
  },

  async "without credentials nobody is followed until there are some again, and then nothing is missing"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = await theSessionOf(agent, world.freshSession());
    await centre.bayeux.heard("ada", "connect", 2);

    assert.equal((await agent.send(CREDENTIALS, { method: "DELETE" })).status, 204);
    const before = centre.calls.items.length;
    assert.equal(centre.bayeux.sessions("ada"), 0);
    centre.say(session, agentText(1, "missed"));
    assert.equal((await agent.get("/api/v2/me")).status, 401);
    assert.deepEqual(centre.calls.items.slice(before), []);

    await known(world, "agent-1", "ada");
    await messagesTold(consumer, session, 1);
    assertNotTurnedAway(centre);
  },

  async "credentials that end at one instance end at the one that follows, within half a minute"(
    world,
    centre,
  ) {
    await using second = await world.anotherPatchbay();
    const there = await second.agent("agent-1", FOLLOWING_SCOPES);
    await start(await known(world, "agent-1", "ada"));
    await centre.bayeux.heard("ada", "connect", 2);

    assert.equal((await there.put(CREDENTIALS, BOB)).status, 204);
    await centre.bayeux.heard("bob", "connect", 2, KNOWN_EVERYWHERE_WITHIN_MS);
    assert.equal(centre.bayeux.sessions("ada"), 0);
    assert.equal((await there.send(CREDENTIALS, { method: "DELETE" })).status, 204);
    await centre.bayeux.heard("bob", "disconnect", 1, KNOWN_EVERYWHERE_WITHIN_MS);
    assert.equal(centre.bayeux.sessions("bob"), 0);
  },
};

for (
  const [store, test, open] of [
    ["SQLite in a file", Deno.test, openSqliteFile],
    ["a Redis", redisTest, () => openRedis()],
  ] as const
) {
  test(`credentials end when they end, with ${store}`, (t) => tellAll(t, open));
}

async function tellAll(t: Deno.TestContext, open: () => Promise<TestStore>): Promise<void> {
  for (const [says, tell] of Object.entries(SENTENCES)) {
    await t.step(says, () => followInHurry(open, tell));
  }
}

async function start(agent: Client): Promise<void> {
  const operation = { operationName: "StartContactCenterSession", channels: ["smssession"] };
  assert.equal((await agent.post("/api/v2/me", operation)).status, 200);
}

async function theSessionOf(agent: Client, session: string): Promise<string> {
  assert.equal((await agent.accept(session)).status, 200);
  return session;
}

function authorizationOf({ headers }: Call): string | null {
  return headers.get("authorization");
}

function cookiesOf(calls: GuardedUpstream["calls"]["items"]): ReadonlySet<string> {
  return new Set(calls.flatMap(({ headers }) => headers.get("cookie") ?? []));
}

/** The first POST of an HTTP session is turned down for its CSRF token; nothing else is. */
function assertNotTurnedAway({ refusals }: GuardedUpstream): void {
  const others = refusals.filter((refusal) => !/^403 POST \/api\/v2\/me(?:\/|$)/.test(refusal));
  assert.deepEqual(others, []);
}
