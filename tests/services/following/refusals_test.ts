import assert from "node:assert/strict";
import { NoUpstreamCredentials } from "../../../services/contact_centre/rest/credentials.ts";
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

/** The waits before and between probes, where chance takes nothing off. */
const PROBE_WAITS_MS = [30_000, 60_000, 120_000];

Deno.test("a wrong password is tried four times over the better part of a minute; then the operator is told, and upstream is probed ever more rarely", () =>
  withFollowedCentre(async ({ centre, subscriber, log, until }) => {
    const clock = createVirtualClock();
    const follower = await subscriber({ clock, passwordOf: () => "wrong", random: () => 0.999 });
    follower.follow(following("agent-1"));

    for (const [at, waitMs] of [2_000, 10_000, 30_000, ...PROBE_WAITS_MS].entries()) {
      await until(() => log.of("subscriber.turned_down").length === at + 1);
      assert.deepEqual(follower.state.refused, ["agent-1"]);
      await pass(clock, waitMs - 500);
      assert.equal(centre.counts("agent-1").refused, at + 1);
      await pass(clock, 500);
    }
    await until(() => log.of("subscriber.turned_down").length === 7);

    assert.equal(centre.counts("agent-1").handshakes, 0);
    assert.deepEqual(log.of("subscriber.refused").map(({ level, fields }) => [level, fields]), [
      ["error", { agentId: "agent-1", reason: "status 401", tries: 4 }],
    ]);
    assert.equal(log.of("subscriber.probing").length, 3);
    assert.equal(follower.state.counters.refusals, 7);
    assert.equal(follower.state.counters.stopped, 1);
    assert.ok(!JSON.stringify(log.entries).includes("wrong"));
  }, { agents: [AGENT] }));

Deno.test("once upstream takes the same credentials again, the next probe brings following back, with what was missed", () =>
  withFollowedCentre(async (followed) => {
    const { centre, subscriber, log, live, until } = followed;
    const clock = createVirtualClock(Date.now());
    const follower = await subscriber({ clock, random: () => 0.999 });
    const { id } = centre.addSession({ customer: { nickname: "P" }, agentId: "agent-1" });
    await followed.accepted("agent-1", id);
    follower.follow(following("agent-1"));
    await live("agent-1");

    centre.denyAgents(24 * 60 * 60_000);
    // The connect that is held is still good; the next one is refused.
    await until(() => {
      clock.advance(0);
      return log.of("subscriber.turned_down").length === 1;
    });
    centre.customerTexts(id, "missed");
    for (const [at, waitMs] of [2_000, 10_000, 30_000].entries()) {
      await until(() => log.of("subscriber.turned_down").length === at + 1);
      await pass(clock, waitMs);
    }
    await log.whenLogged("subscriber.refused");
    centre.denyAgents(0);
    assert.deepEqual(follower.state.refused, ["agent-1"]);
    await pass(clock, 30_000);
    await live("agent-1", 2);

    assert.deepEqual(follower.state.refused, []);
    assert.equal(follower.state.live, 1);
    const upstream = centre.sessions.find((session) => session.id === id)?.messages ?? [];
    await until(async () => (await followed.messages(id)).length === upstream.length);
    assert.equal(log.of("subscriber.live").at(-1)?.fields["after"], "status 401");
  }, { agents: [AGENT] }));

Deno.test("who has left no credentials is waited for, asked nothing and not called refused; with credentials following begins", () =>
  withFollowedCentre(async ({ centre, subscriber, log, live }) => {
    let password: string | null = null;
    const follower = await subscriber({
      passwordOf() {
        if (password === null) throw new NoUpstreamCredentials("the agent has left none");
        return password;
      },
    });
    follower.follow(following("agent-1"));
    await log.whenLogged("subscriber.waiting");
    assert.deepEqual(follower.state.waiting, ["agent-1"]);
    assert.deepEqual(follower.state.refused, []);

    password = PASSWORD;
    await follower.credentialsChanged("agent-1", "here");
    await live("agent-1");

    assert.deepEqual(follower.state.waiting, []);
    assert.equal(centre.counts("agent-1").refused, 0);
  }, { agents: [AGENT] }));

Deno.test("whom upstream turns away from one instance another one follows once upstream lets the agent in there", () =>
  withFollowedCentre(async ({ centre, store, subscriber, log, until }) => {
    const [here, there] = [await subscriber(), await subscriber()];
    centre.cometd.changeReply("/meta/handshake", {
      successful: false,
      error: "403::denied",
      advice: { reconnect: "none" },
    });
    here.follow(following("agent-1"));
    await log.whenLogged("subscriber.refused");
    const record = { kind: "subscription", key: "agent:agent-1" } as const;
    await until(async () =>
      (await store.readRecord(record, Date.now()))?.includes("refused") ?? false
    );

    there.follow(following("agent-1", { because: "accept", isNews: false }));
    await until(() => there.state.following === 0);
    there.follow(following("agent-1", { because: "accept", isNews: true }));
    await until(() => there.state.live === 1);

    assert.ok(!(await store.readRecord(record, Date.now()))?.includes("refused"));
  }));

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
      else await follower.credentialsChanged("agent-1", "here");
      await live("agent-1");

      assert.deepEqual(follower.state.refused, []);
    }));
}

Deno.test("who was turned away is tried again within a minute of leaving other credentials with another instance", () =>
  withFollowedCentre(async ({ subscriber, log, until }) => {
    const clock = createVirtualClock();
    let password = "wrong";
    // Whole waits, so that no time passes while an answer is on its way.
    const follower = await subscriber({ clock, passwordOf: () => password, random: () => 0.999 });
    follower.follow(following("agent-1"));
    for (const [at, waitMs] of [2_000, 10_000, 30_000, ...PROBE_WAITS_MS, 240_000].entries()) {
      await until(() => log.of("subscriber.turned_down").length === at + 1);
      await pass(clock, waitMs);
    }
    await until(() => log.of("subscriber.turned_down").length === 8);
    const probes = log.of("subscriber.probing").length;

    password = PASSWORD;
    const leftAtMs = clock.now();
    while (log.of("subscriber.probing").length === probes && clock.now() - leftAtMs < 120_000) {
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

for (
  const [channel, changes] of [
    ["/meta/handshake", { successful: false, error: "403::denied" }],
    ["/meta/handshake", {}],
    ["/meta/connect", { successful: false, error: "401::Authentication invalid" }],
    ["/meta/connect", {}],
    ["/meta/subscribe", {}],
  ] as const
) {
  const told = "error" in changes ? changes.error : "a success";
  Deno.test(`the advice none on ${channel} with ${told} is obeyed for a while: then it is tried again`, () =>
    withFollowedCentre(async ({ centre, subscriber, log, until }) => {
      const clock = createVirtualClock();
      const follower = await subscriber({ clock, random: () => 0.999 });
      centre.cometd.changeReply(channel, { ...changes, advice: { reconnect: "none" } });
      follower.follow(following("agent-1"));

      await until(() => {
        // Timers of no length, by which the CometD client takes its next step.
        clock.advance(0);
        return log.of("subscriber.refused").length === 1;
      });
      await pass(clock, 29_500);
      assert.equal(centre.counts().handshakes, 1);
      assert.deepEqual(follower.state.refused, ["agent-1"]);
      await pass(clock, 500);
      await until(() => follower.state.live === 1);

      assert.deepEqual(follower.state.refused, []);
    }));
}

for (
  const [what, changes] of [
    ["unsuccessful and handshake", { successful: false, advice: { reconnect: "handshake" } }],
    ["successful and handshake", { advice: { reconnect: "handshake" } }],
    ["the number 402 alone", { successful: false, error: "402::Unknown client", advice: {} }],
    ["402 with the advice none", {
      successful: false,
      error: "402::Unknown client",
      advice: { reconnect: "none" },
    }],
    ["402 with the advice retry", {
      successful: false,
      error: "402::Unknown client",
      advice: { reconnect: "retry" },
    }],
    ["403 with the advice none", {
      successful: false,
      error: "403::Unknown client",
      advice: { reconnect: "none" },
    }],
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
    await centre.cometd.happenings.waitFor(({ kind }) => kind === "held");

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
