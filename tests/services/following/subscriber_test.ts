import assert from "node:assert/strict";
import { following } from "./following.ts";
import { type FollowedCentre, PATIENCE, withFollowedCentre } from "./followed_centre.ts";

const SESSION = "session-1";

const statusChange = (state: string) => ({
  messageType: "SMSsessionStateChangeMessage",
  notificationType: "StatusChange",
  smssession: { id: SESSION, state },
});

/** An agent who has accepted the session and is followed. */
async function followHolder({ centre, subscriber, accepted, live }: FollowedCentre) {
  const follower = await subscriber();
  centre.addSession({ id: SESSION, customer: { nickname: "Ada" }, agentId: "agent-1" });
  await accepted("agent-1", SESSION);
  follower.follow(following("agent-1"));
  await live("agent-1");
  return follower;
}

Deno.test("what upstream tells an agent becomes events, in order, also where it wants CSRF tokens", () =>
  withFollowedCentre(async (followed) => {
    const { centre, until, messages, events } = followed;
    await followHolder(followed);

    for (const text of ["one", "two", "three"]) centre.customerTexts(SESSION, text);
    await until(async () => (await messages(SESSION)).length >= 5);

    const told = await messages(SESSION);
    assert.deepEqual(told.map(({ index }) => index), [1, 2, 3, 4, 5]);
    const all = await events(SESSION);
    assert.deepEqual(all.map(({ sequence }) => sequence), all.map((_, at) => at + 1));
    assert.ok(all.every(({ agentId }) => agentId === "agent-1"));
  }, { csrf: true }));

Deno.test("an agent's connection is shared with nobody, and each has one", () =>
  withFollowedCentre(async ({ centre, subscriber, live }) => {
    const follower = await subscriber();
    for (const agentId of ["agent-1", "agent-2"]) follower.follow(following(agentId));
    await Promise.all(["agent-1", "agent-2"].map((agentId) => live(agentId)));
    for (const agentId of ["agent-1", "agent-2"]) follower.follow(following(agentId));

    const { sessions } = centre.cometd;
    assert.deepEqual(sessions.map(({ agentId }) => agentId).toSorted(), ["agent-1", "agent-2"]);
    assert.equal(centre.counts().handshakes, 2);
  }));

Deno.test("an invitation is published although nobody is mapped yet", () =>
  withFollowedCentre(async ({ centre, subscriber, live, until, events }) => {
    const follower = await subscriber();
    follower.follow(following("agent-1"));
    await live("agent-1");

    centre.addSession({ id: SESSION, customer: { nickname: "Ada" }, agentId: "agent-1" });
    await until(async () => (await events(SESSION)).length > 0);

    const [event] = await events(SESSION);
    assert.equal(event?.type, "session.status_changed");
    assert.equal(event.agentId, null);
  }));

Deno.test("what is no notification of a session is left alone, whatever its channel, and nothing after it is lost", () =>
  withFollowedCentre(async (followed) => {
    const { centre, until, messages } = followed;
    const follower = await followHolder(followed);
    const oddities = [
      { messageType: "DeviceStateChangeMessage", devices: [] },
      { notificationType: "NewMessages", smssessionPath: `/smssessions/${SESSION}`, messages: 7 },
      {},
    ];

    for (const oddity of oddities) centre.emit(oddity, "agent-1", { channel: "/v2/me/devices" });
    centre.emit({ odd: true }, "agent-1", { channel: "/nobody/asked", unasked: true });
    centre.customerTexts(SESSION, "hello");
    await until(async () => (await messages(SESSION)).length >= 3);

    assert.equal(follower.state.counters.ignored, 4);
    assert.equal(centre.counts().handshakes, 1);
  }));

Deno.test("a session's notification counts on whichever channel it comes", () =>
  withFollowedCentre(async ({ centre, subscriber, live, until, events }) => {
    const follower = await subscriber({ channels: ["/**"] });
    follower.follow(following("agent-1"));
    await live("agent-1");

    const smssession = { id: SESSION, state: "Invited" };
    centre.emit({ notificationType: "StatusChange", smssession }, "agent-1", { channel: "/a/b/c" });

    await until(async () => (await events(SESSION)).length === 1);
  }));

for (const kind of ["html", "reset"] as const) {
  Deno.test(`an answer that fails (${kind}) takes with it whatever was in it, and all of that is asked for`, () =>
    withFollowedCentre(async (followed) => {
      const { centre, until, messages } = followed;
      const follower = await followHolder(followed);
      await centre.cometd.happenings.waitFor(({ kind }) => kind === "held", PATIENCE);
      const matching = ({ path }: { path: string }) => path.endsWith("/connect");
      if (kind === "html") centre.faults.next({ kind, status: 200 }, { matching });
      else centre.faults.next(kind, { matching, when: "after-acting" });

      centre.customerTexts(SESSION, "one"); // ends the connect that is held now
      await until(async () => (await messages(SESSION)).length >= 3);
      centre.customerTexts(SESSION, "two");
      await until(async () => (await messages(SESSION)).length >= 4);
      centre.customerTexts(SESSION, "three");
      await until(async () => (await messages(SESSION)).length >= 5);

      assert.deepEqual((await messages(SESSION)).map(({ index }) => index), [1, 2, 3, 4, 5]);
      await until(() => follower.state.counters.failures === 1);
    }));
}

Deno.test("an agent who completes a session at another desktop is out of it here", () =>
  withFollowedCentre(async (followed) => {
    const { centre, until, mapping, events } = followed;
    const follower = await followHolder(followed);

    centre.agentOperates(SESSION, "agent-1", { operationName: "Complete" });
    await until(async () => await mapping(SESSION) === null);

    const released = (await events(SESSION)).at(-1);
    assert.equal(released?.type, "session.released");
    assert.deepEqual(JSON.parse(released.dataJson), { reason: "completed" });
    assert.equal(follower.state.counters.departures, 1);
  }));

Deno.test("what an agent did elsewhere while nothing was heard is found out, told once, and goes for the mapping", () =>
  withFollowedCentre(async (followed) => {
    const { centre, until, mapping, events } = followed;
    const follower = await followHolder(followed);
    centre.faults.next({ kind: "status", status: 503 }, {
      matching: ({ path }) => path.includes("/me/smssessions?"),
    });

    centre.dropCometdSessions("agent-1");
    centre.customerTexts(SESSION, "bye");
    centre.agentOperates(SESSION, "agent-1", { operationName: "Complete" });
    await until(async () => await mapping(SESSION) === null);

    const types = (await events(SESSION)).map(({ type }) => type);
    assert.deepEqual(types.slice(-2), ["session.status_changed", "session.released"]);
    assert.equal(types.filter((type) => type === "session.released").length, 1);
    assert.equal(follower.state.counters.sessionsLost, 1);
  }));

Deno.test("data attached unheard is told by the resync, the next by upstream itself, each once", () =>
  withFollowedCentre(async (followed) => {
    const { centre, events, live, until } = followed;
    await followHolder(followed);
    const dataTold = async () =>
      (await events(SESSION))
        .filter(({ type }) => type === "session.properties_updated")
        .flatMap(({ dataJson }) => JSON.parse(dataJson).notification.smssession.userData.a ?? []);

    centre.loseNotifications(1);
    centre.updateUserData(SESSION, { a: "unheard" });
    centre.dropCometdSessions("agent-1");
    await live("agent-1", 2);
    assert.deepEqual(await dataTold(), ["unheard"]);
    centre.updateUserData(SESSION, { a: "heard" });
    await until(async () => (await dataTold()).length === 2);
    centre.dropCometdSessions("agent-1");
    await live("agent-1", 3);
    assert.deepEqual(await dataTold(), ["unheard", "heard"]);
  }));

Deno.test("what was heard before a session was lost again, and not yet written, does not hide what came after", () =>
  withFollowedCentre(async ({ centre, subscriber, accepted, until, mapping }) => {
    const follower = await subscriber();
    centre.addSession({ id: SESSION, customer: { nickname: "Ada" }, agentId: "agent-1" });
    await accepted("agent-1", SESSION);
    // Enough to keep it from catching up for some seconds.
    for (let times = 0; times < 3; times++) {
      centre.faults.next({ kind: "status", status: 503 }, {
        matching: ({ path }) => path.includes("/me/smssessions?"),
      });
    }
    follower.follow(following("agent-1"));
    const connectsHeld = () =>
      centre.cometd.happenings.items.filter(({ kind }) => kind === "held").length;
    await until(() => follower.state.counters.handshakes === 1 && connectsHeld() > 0);
    const before = connectsHeld();

    centre.emit(statusChange("LeftChat"), "agent-1");
    await until(() => connectsHeld() > before);
    assert.equal(follower.state.live, 0);
    centre.dropCometdSessions();
    centre.agentOperates(SESSION, "agent-1", { operationName: "Complete" });

    await until(async () => await mapping(SESSION) === null);
  }));

Deno.test("who leaves a conference hands it on; LeftChat alone does nothing", () =>
  withFollowedCentre(async (followed) => {
    const { centre, subscriber, accepted, live, until, mapping, store, events } = followed;
    const follower = await subscriber();
    centre.addSession({ id: SESSION, customer: { nickname: "Ada" }, agentId: "agent-1" });
    await accepted("agent-1", SESSION);
    const joining = { kind: "join", nickname: "Bo" } as const;
    const nowMs = Date.now();
    await store.applyEffect(
      { sessionId: SESSION, agentId: "agent-2", nowMs, effect: joining },
      null,
      0,
    );
    follower.follow(following("agent-1"));
    await live("agent-1");

    centre.emit(statusChange("LeftChat"), "agent-1");
    await until(async () => (await mapping(SESSION))?.state === "LeftChat");
    assert.equal((await mapping(SESSION))?.agentId, "agent-1");
    centre.emit(statusChange("Completed"), "agent-1");
    await until(async () => (await mapping(SESSION))?.agentId === "agent-2");

    assert.ok((await events(SESSION)).every(({ type }) => type !== "session.released"));
  }));

Deno.test("what an agent outside a session hears of it changes nothing for its holder", () =>
  withFollowedCentre(async ({ centre, subscriber, accepted, live, until, mapping, events }) => {
    const follower = await subscriber();
    centre.addSession({ id: SESSION, customer: { nickname: "Ada" }, agentId: "agent-1" });
    await accepted("agent-1", SESSION);
    for (const agentId of ["agent-1", "agent-2"]) follower.follow(following(agentId));
    await Promise.all(["agent-1", "agent-2"].map((agentId) => live(agentId)));
    const before = await mapping(SESSION);

    const invited = { operationName: "Invite", targetPath: "/users/agent-2" };
    centre.agentOperates(SESSION, "agent-1", invited);
    const states = async () =>
      (await events(SESSION)).filter(({ type }) => type === "session.status_changed").map((event) =>
        JSON.parse(event.dataJson).notification.smssession.state
      );
    await until(async () => (await states()).includes("Invited"));
    assert.equal((await mapping(SESSION))?.state, before?.state);
    centre.emit(statusChange("Completed"), "agent-2");
    await until(async () => (await states()).includes("Completed"));

    assert.equal((await mapping(SESSION))?.state, before?.state);
    assert.equal((await mapping(SESSION))?.agentId, "agent-1");
  }));

Deno.test("who was followed for an Accept alone is let go when nothing is open any more; who signed in is not", () =>
  withFollowedCentre(async ({ centre, subscriber, accepted, live, until }) => {
    const follower = await subscriber({ idleMs: 300 });
    for (const agentId of ["agent-1", "agent-2"]) {
      const id = `session-of-${agentId}`;
      centre.addSession({ id, customer: { nickname: "Ada" }, agentId });
      await accepted(agentId, id);
    }
    follower.follow(following("agent-1", { because: "accept" }));
    follower.follow(following("agent-2", { because: "login" }));
    await Promise.all(["agent-1", "agent-2"].map((agentId) => live(agentId)));

    for (const agentId of ["agent-1", "agent-2"]) {
      const id = `session-of-${agentId}`;
      centre.agentOperates(id, agentId, { operationName: "Complete" });
    }
    await centre.cometd.happenings.waitFor(({ kind }) => kind === "gone", PATIENCE);
    await until(() => follower.state.following === 1);

    assert.deepEqual(centre.cometd.sessions.map(({ agentId }) => agentId), ["agent-2"]);
    assert.equal(centre.counts("agent-1").disconnects, 1);
  }));

Deno.test("unfollow() takes leave of upstream, and stop() of everybody, at once", () =>
  withFollowedCentre(async ({ centre, subscriber, live, until }) => {
    const follower = await subscriber();
    for (const agentId of ["agent-1", "agent-2"]) follower.follow(following(agentId));
    await Promise.all(["agent-1", "agent-2"].map((agentId) => live(agentId)));

    follower.unfollow("agent-1");
    await until(() => centre.cometd.sessions.length === 1);
    await follower.stop();

    assert.deepEqual(centre.cometd.sessions, []);
    assert.equal(centre.counts().disconnects, 2);
    assert.equal(follower.state.following, 0);
  }));

Deno.test("in mode basic one connection serves all agents, for as long as there is one", () =>
  withFollowedCentre(async (followed) => {
    const { centre, subscriber, live, until, accepted, mapping, events, store } = followed;
    const follower = await subscriber({ mode: "basic" });
    centre.addSession({ id: SESSION, customer: { nickname: "Ada" }, agentId: "service" });
    await accepted("service", SESSION);
    follower.follow(following("agent-1"));
    await live("agent-1");
    follower.follow(following("agent-2"));

    // It cannot tell whose session it is, so it must not end anybody's mapping.
    centre.agentOperates(SESSION, "service", { operationName: "Complete" });
    const types = async () => (await events(SESSION)).map(({ type }) => type);
    await until(async () => (await types()).includes("session.status_changed"));
    assert.notEqual(await mapping(SESSION), null);
    follower.unfollow("agent-1");
    const followedFor = async () =>
      await store.readRecord({ kind: "subscription", key: "shared" }, Date.now()) ?? "";
    await until(async () => !(await followedFor()).includes("agent-1"));
    assert.equal(centre.cometd.sessions.length, 1);
    follower.unfollow("agent-2");
    await until(() => centre.cometd.sessions.length === 0);

    assert.equal(centre.counts().handshakes, 1);
  }));
