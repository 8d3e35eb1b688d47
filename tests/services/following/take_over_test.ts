import assert from "node:assert/strict";
import { StoreUnavailable } from "../../../services/errors.ts";
import type { Store } from "../../../services/store/port/store.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { assertNothingMissingOrDoubled, everythingTold, gather } from "./crowd.ts";
import { following } from "./following.ts";
import { withFollowedCentre } from "./followed_centre.ts";

const SHORT_LEASE = { leaseMs: 2_000, marginMs: 500, renewEveryMs: 400 } as const;

/** A store that can be cut off from one instance, as by a broken network. */
function cuttable(store: Store): { readonly store: Store; cut(): void } {
  let isCut = false;
  const cut = new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) =>
        isCut
          ? Promise.reject(new StoreUnavailable(String(name)))
          : Reflect.apply(member, target, args);
    },
  });
  return { store: cut, cut: () => void (isCut = true) };
}

Deno.test("an instance that is cut off stops following in time, and another takes its agents over: nothing missing, nothing doubled", () =>
  withFollowedCentre(async (followed) => {
    const { centre, subscriber, until } = followed;
    const link = cuttable(followed.store);
    const first = await subscriber({ store: link.store, leaseTimes: SHORT_LEASE });
    const crowd = await gather(followed, first, 5);
    const log = createMemoryLog();
    const second = await subscriber({ leaseTimes: SHORT_LEASE, log });

    link.cut();
    for (const agentId of crowd.agentIds) centre.customerTexts(crowd.sessionOf(agentId), "one");
    await until(() => second.state.following > 0);
    assert.equal(first.state.following, 0);
    await until(() => second.state.live === 5);
    for (const agentId of crowd.agentIds) centre.customerTexts(crowd.sessionOf(agentId), "two");
    await everythingTold(followed, crowd);

    await assertNothingMissingOrDoubled(followed, crowd);
    assert.equal(second.state.counters.takeOvers, 5);
    assert.equal(first.state.counters.leasesLost, 1);
    assert.equal(log.of("subscriber.taken_over").length, 5);
  }));

Deno.test("an instance that stops gives its agents to the next one at once", () =>
  withFollowedCentre(async (followed) => {
    const { subscriber, until, centre } = followed;
    const first = await subscriber();
    const crowd = await gather(followed, first, 3);

    await first.stop();
    for (const agentId of crowd.agentIds) centre.customerTexts(crowd.sessionOf(agentId), "one");
    const second = await subscriber();
    await until(() => second.state.live === 3);
    await everythingTold(followed, crowd);

    await assertNothingMissingOrDoubled(followed, crowd);
  }));

Deno.test("in mode forward only an instance with a token of the agent takes over, and another says that it cannot", () =>
  withFollowedCentre(async ({ subscriber, live, until, store }) => {
    const link = cuttable(store);
    const settings = { mode: "forward", leaseTimes: SHORT_LEASE } as const;
    const log = createMemoryLog();
    const first = await subscriber({ ...settings, store: link.store });
    const token = (agentId: string) => ({ authorization: `Basic ${btoa(`${agentId}:x`)}` });
    for (const agentId of ["agent-1", "agent-2"]) first.follow(following(agentId, token(agentId)));
    await Promise.all(["agent-1", "agent-2"].map((agentId) => live(agentId)));
    const second = await subscriber({ ...settings, log });
    second.follow(following("agent-2", token("agent-2")));
    assert.equal(second.state.following, 0);

    link.cut();
    await log.whenLogged("subscriber.not_taken_over");
    await until(() => second.state.live === 1);

    assert.deepEqual(log.of("subscriber.not_taken_over")[0]?.fields["key"], "agent:agent-1");
    assert.deepEqual(log.of("subscriber.taken_over").map(({ fields }) => fields["key"]), [
      "agent:agent-2",
    ]);
  }));

Deno.test("in mode forward an agent is followed until the token ends, and again with the next one", () =>
  withFollowedCentre(async ({ centre, subscriber, live, until, log }) => {
    const follower = await subscriber({ mode: "forward" });
    const authorization = `Basic ${btoa("agent-1:x")}`;
    follower.follow(following("agent-2"));
    follower.follow(following("agent-1", { authorization, expiresAtMs: Date.now() + 700 }));
    await live("agent-1");

    await log.whenLogged("subscriber.token_expired");
    await until(() => centre.cometd.sessions.length === 0);
    assert.equal(follower.state.following, 0);
    follower.follow(following("agent-1", { authorization, expiresAtMs: Date.now() + 60_000 }));
    await live("agent-1", 2);

    assert.equal(centre.counts("agent-2").handshakes, 0);
  }));

Deno.test("a fresh token prolongs the following without a new session", () =>
  withFollowedCentre(async ({ centre, subscriber, live, until, log }) => {
    const follower = await subscriber({ mode: "forward" });
    const authorization = `Basic ${btoa("agent-1:x")}`;
    const expiresAtMs = Date.now() + 500;
    follower.follow(following("agent-1", { authorization, expiresAtMs }));
    await live("agent-1");
    follower.follow(following("agent-1", { authorization, expiresAtMs: expiresAtMs + 60_000 }));
    // An older one that comes late.
    follower.follow(following("agent-1", { authorization, expiresAtMs }));

    await until(() => Date.now() > expiresAtMs + 100);

    assert.equal(log.of("subscriber.token_expired").length, 0);
    assert.equal(centre.counts().handshakes, 1);
  }));
