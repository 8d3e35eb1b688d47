import assert from "node:assert/strict";
import { redisTest } from "../support/needs_redis.ts";
import type { Client } from "./client.ts";
import { cometdSessions, heldAgain, listening, timesHeld, turnedAway } from "./centre.ts";
import {
  type Following,
  FOLLOWING_SCOPES,
  followInHurry,
  known,
  lastMessageTold,
} from "./following.ts";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import type { RecordedRequest } from "../../simulator/kit/request_log.ts";
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
    await listening(centre, "ada");

    assert.equal((await agent.put(CREDENTIALS, BOB)).status, 204);
    const before = centre.requests.items.length;
    assert.equal(cometdSessions(centre, "ada"), 0);
    await listening(centre, "bob");
    const session = await theSessionOf(agent, world.freshSession());
    for (let round = 1; round <= 3; round++) {
      const held = timesHeld(centre, "bob");
      // Ends the connect that is held, so that polls and other requests take turns.
      centre.agentTexts(session, "bob", `Hi ${round}`);
      await heldAgain(centre, "bob", held);
      assert.equal((await agent.get("/api/v2/me")).status, 200);
    }
    const after = centre.requests.items.slice(before);
    assert.deepEqual([...new Set(after.map(authorizationOf))], [`Basic ${btoa("bob:staple")}`]);
    assert.equal(cookiesOf(after).size, 1, "polls and other requests are one HTTP session");
    assert.equal(cookiesOf(centre.requests.items).size, 2);
    assertNotTurnedAway(centre);
  },

  async "without credentials nobody is followed until there are some again, and then nothing is missing"(
    world,
    centre,
  ) {
    const consumer = await world.consumer();
    const agent = await known(world, "agent-1", "ada");
    const session = await theSessionOf(agent, world.freshSession());
    await listening(centre, "ada");

    assert.equal((await agent.send(CREDENTIALS, { method: "DELETE" })).status, 204);
    const before = centre.requests.items.length;
    assert.equal(cometdSessions(centre, "ada"), 0);
    centre.agentTexts(session, "ada", "missed");
    assert.equal((await agent.get("/api/v2/me")).status, 401);
    assert.deepEqual(centre.requests.items.slice(before), []);

    await known(world, "agent-1", "ada");
    await lastMessageTold(centre, consumer, session);
    assertNotTurnedAway(centre);
  },

  async "credentials that end at one instance end at the one that follows, within half a minute"(
    world,
    centre,
  ) {
    await using second = await world.anotherPatchbay();
    const there = await second.agent("agent-1", FOLLOWING_SCOPES);
    await start(await known(world, "agent-1", "ada"));
    await listening(centre, "ada");

    assert.equal((await there.put(CREDENTIALS, BOB)).status, 204);
    await listening(centre, "bob", 1, KNOWN_EVERYWHERE_WITHIN_MS);
    assert.equal(cometdSessions(centre, "ada"), 0);
    assert.equal((await there.send(CREDENTIALS, { method: "DELETE" })).status, 204);
    await centre.calls.until(
      "a disconnect by bob",
      (calls) =>
        calls.find(({ agentId, operations }) =>
          agentId === "bob" && operations.includes("/meta/disconnect")
        ),
      { timeoutMs: KNOWN_EVERYWHERE_WITHIN_MS },
    );
    assert.equal(cometdSessions(centre, "bob"), 0);
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

function authorizationOf({ headers }: RecordedRequest): string | null {
  return headers.get("authorization");
}

/** The HTTP sessions that these requests name. */
function cookiesOf(requests: readonly RecordedRequest[]): ReadonlySet<string> {
  return new Set(
    requests.flatMap(({ headers }) =>
      /JSESSIONID=[^;]*/.exec(headers.get("cookie") ?? "")?.[0] ?? []
    ),
  );
}

/** The first POST of an HTTP session is turned down for its CSRF token; nothing else is. */
function assertNotTurnedAway(centre: ContactCentre): void {
  const others = turnedAway(centre).filter((refusal) =>
    !/^403 POST \/api\/v2\/me(?:\/|$)/.test(refusal)
  );
  assert.deepEqual(others, []);
}
