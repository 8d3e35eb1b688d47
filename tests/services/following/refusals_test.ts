import assert from "node:assert/strict";
import { createVirtualClock, type VirtualClock } from "../../support/virtual_clock.ts";
import { following } from "./following.ts";
import { PASSWORD, withFollowedCentre } from "./followed_centre.ts";

/** Time passes in steps, so that the lease is renewed in time. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    clock.advance(Math.min(left, 5_000));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const AGENT = { agentId: "agent-1", password: PASSWORD };

Deno.test("a wrong password is tried four times over the better part of a minute, then the operator is told", () =>
  withFollowedCentre(async ({ centre, subscriber, log, until }) => {
    const clock = createVirtualClock();
    const follower = await subscriber({ clock, passwordOf: () => "wrong", random: () => 0.999 });
    follower.follow(following("agent-1"));

    for (const [at, waitMs] of [2_000, 10_000, 30_000].entries()) {
      await until(() => log.of("subscriber.turned_down").length === at + 1);
      await pass(clock, waitMs - 500);
      assert.equal(centre.counts("agent-1").refused, at + 1);
      await pass(clock, 500);
    }
    await until(() => follower.state.refused.length === 1);
    await pass(clock, 10 * 60_000);

    assert.equal(centre.counts("agent-1").refused, 4);
    assert.equal(centre.counts("agent-1").handshakes, 0);
    assert.deepEqual(log.of("subscriber.refused").map(({ level, fields }) => [level, fields]), [
      ["error", { agentId: "agent-1", reason: "status 401", tries: 4 }],
    ]);
    assert.deepEqual(follower.state.refused, ["agent-1"]);
    assert.equal(follower.state.counters.refusals, 4);
    assert.equal(follower.state.counters.stopped, 1);
    assert.ok(!JSON.stringify(log.entries).includes("wrong"));
  }, { agents: [AGENT] }));

for (const why of ["credentialsChanged", "follow"] as const) {
  Deno.test(`${why}() gives an agent who was turned away another chance`, () =>
    withFollowedCentre(async ({ centre, subscriber, log, live }) => {
      const follower = await subscriber();
      centre.cometd.changeReply("/meta/handshake", {
        successful: false,
        error: "403::denied",
        advice: { reconnect: "none" },
      });
      follower.follow(following("agent-1"));
      await log.whenLogged("subscriber.refused");
      assert.deepEqual(follower.state.refused, ["agent-1"]);

      if (why === "follow") follower.follow(following("agent-1"));
      else follower.credentialsChanged("agent-1");
      await live("agent-1");

      assert.deepEqual(follower.state.refused, []);
    }));
}

Deno.test("who was turned away is tried again within a minute of leaving other credentials with another instance", () =>
  withFollowedCentre(async ({ centre, subscriber, log, until }) => {
    const clock = createVirtualClock();
    let password = "wrong";
    // Whole waits, so that no time passes while an answer is on its way.
    const follower = await subscriber({ clock, passwordOf: () => password, random: () => 0.999 });
    follower.follow(following("agent-1"));
    for (const [at, waitMs] of [2_000, 10_000, 30_000].entries()) {
      await until(() => log.of("subscriber.turned_down").length === at + 1);
      await pass(clock, waitMs);
    }
    await until(() => follower.state.refused.length === 1);
    await pass(clock, 10 * 60_000);
    assert.equal(centre.counts("agent-1").refused, 4);

    password = PASSWORD;
    const leftAtMs = clock.now();
    while (follower.state.refused.length === 1 && clock.now() - leftAtMs < 120_000) {
      await pass(clock, 1_000);
    }

    assert.ok(clock.now() - leftAtMs <= 61_000, `${clock.now() - leftAtMs} ms`);
    await until(() => follower.state.live === 1);
  }, { agents: [AGENT] }));

Deno.test("an agent at work whom CometD goes on refusing does not make a storm of it", () =>
  withFollowedCentre(async ({ centre, subscriber, log }) => {
    const follower = await subscriber();
    centre.cometd.changeReply("/meta/handshake", {
      successful: false,
      error: "403::denied",
      advice: { reconnect: "none" },
    });
    follower.follow(following("agent-1"));
    await log.whenLogged("subscriber.refused");

    for (let request = 0; request < 100; request++) {
      follower.follow(following("agent-1", { because: "accept", isNews: false }));
      await new Promise((resolve) => setImmediate(resolve));
    }

    assert.deepEqual(follower.state.refused, ["agent-1"]);
    assert.equal(centre.counts().handshakes, 1);
  }));

for (const channel of ["/meta/handshake", "/meta/connect"]) {
  Deno.test(`the advice none on ${channel} is obeyed: nothing more is sent, and the operator is told`, () =>
    withFollowedCentre(async ({ centre, subscriber, log }) => {
      const follower = await subscriber();
      const advice = { reconnect: "none" };
      centre.cometd.changeReply(channel, { successful: false, error: "403::denied", advice });
      follower.follow(following("agent-1"));

      await log.whenLogged("subscriber.refused");

      assert.equal(centre.counts().handshakes, 1);
      assert.equal(centre.counts().connects, channel === "/meta/connect" ? 1 : 0);
      assert.equal(log.of("subscriber.refused")[0]?.fields["tries"], 1);
    }));
}

for (
  const [what, changes] of [
    ["unsuccessful and handshake", { successful: false, advice: { reconnect: "handshake" } }],
    ["successful and handshake", { advice: { reconnect: "handshake" } }],
    ["the number 402 alone", { successful: false, error: "402::Unknown client", advice: {} }],
  ] as const
) {
  Deno.test(`a connect's reply that is ${what} leads to a new session`, () =>
    withFollowedCentre(async ({ centre, subscriber, until }) => {
      const follower = await subscriber();
      centre.cometd.changeReply("/meta/connect", changes);
      follower.follow(following("agent-1"));

      await until(() => centre.counts().handshakes === 2 && follower.state.live === 1);

      assert.equal(follower.state.counters.sessionsLost, 1);
    }));
}

Deno.test("a lost HTTP session costs a fresh CSRF token, and counts as no refusal", () =>
  withFollowedCentre(async ({ centre, subscriber, live }) => {
    const follower = await subscriber();
    follower.follow(following("agent-1"));
    await live("agent-1");

    centre.dropHttpSessions();
    centre.dropCometdSessions();
    await live("agent-1", 2);

    assert.equal(follower.state.counters.refusals, 0);
    assert.equal(follower.state.counters.sessionsLost, 1);
  }, { csrf: true, agents: [AGENT] }));

Deno.test("advised to come back later, as one of multiple clients, it does", () =>
  withFollowedCentre(async ({ centre, subscriber, live, until }) => {
    const follower = await subscriber();
    centre.cometd.changeReply("/meta/connect", {
      advice: { "multiple-clients": true, interval: 300, reconnect: "retry" },
    });
    follower.follow(following("agent-1"));
    await live("agent-1");
    const connectsAtMs: number[] = [];
    for (let seen = 1; seen <= 2; seen++) {
      await until(() => centre.counts().connects >= seen);
      connectsAtMs.push(performance.now());
    }

    const [first = 0, second = 0] = connectsAtMs;
    assert.ok(second - first >= 200, `${second - first} ms`);
  }));
