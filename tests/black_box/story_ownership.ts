import assert from "node:assert/strict";
import type { Answer } from "./client.ts";
import { statusChange } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { readSession } from "./shapes.ts";
import { statusZero } from "../support/scripted_upstream.ts";
import { told } from "./webhook_assertions.ts";
import type { World } from "./world.ts";

const status = ({ status }: Answer) => status;

/** Who holds a session, who may operate it, and how it is given back. */
export const OWNERSHIP_STORY: readonly Sentence[] = [
  it("another agent is refused, and the contact centre does not hear of it", async (world) => {
    const session = world.freshSession();
    const [holder, other] = [await world.agent("agent-1"), await world.agent("agent-2")];
    await holder.accept(session);
    assertProblem(await other.accept(session), "session-held");
    assertProblem(await other.operate(session, "SendMessage", { text: "Hi" }), "not-your-session");
    assertProblem(await other.operate(session, "Complete"), "not-your-session");
    assert.equal(world.upstream.about(session).length, 1);
    assert.equal(status(await holder.operate(session, "SendMessage", { text: "Hi" })), 200);
    assert.equal(world.upstream.about(session).length, 2);
  }),

  it("of agents who accept at once, also at two instances, exactly one gets through", async (world) => {
    const session = world.freshSession();
    const release = Promise.withResolvers<void>();
    world.upstream.answer(session, async () => {
      await release.promise;
      return statusZero();
    });
    await using second = await world.anotherPatchbay();
    const names = ["racer-1", "racer-2", "racer-3", "racer-4"];
    const here = await Promise.all(names.map((name) => world.agent(name)));
    const there = await Promise.all(names.map((name) => second.agent(`${name}-there`)));
    const racing = [...here, ...there].map(async (agent) => {
      const answer = await agent.accept(session);
      if (answer.status !== 200) assertProblem(answer, "session-held");
      return answer;
    });
    await world.upstream.asked(session);
    // The winner waits for the contact centre, so that all the others meet a mere claim.
    const refused = await firstSettled(racing, racing.length - 1);
    assert.deepEqual(refused.map(status), refused.map(() => 409));
    release.resolve();
    const all = (await Promise.all(racing)).map(status);
    assert.deepEqual(all.toSorted(), [200, ...Array(all.length - 1).fill(409)]);
    assert.equal(world.upstream.about(session).length, 1);
  }),

  it("an instance learns within 2 s what another one did", async (world) => {
    const session = world.freshSession();
    await using second = await world.anotherPatchbay();
    const [here, there] = [await world.agent("agent-1"), await second.agent("agent-2")];
    await here.accept(session);
    assertProblem(await there.accept(session), "session-held");
    assertProblem(await there.operate(session, "SendMessage", { text: "Hi" }), "not-your-session");
    await here.operate(session, "Complete");
    const releasedMs = performance.now();
    let answer = await there.accept(session);
    while (answer.status === 409 && performance.now() - releasedMs < 2_500) {
      answer = await there.accept(session);
    }
    assert.equal(answer.status, 200);
    assert.equal(await holderOf(world, session), "agent-2");
  }),

  ...["Leave", "Complete", "Reject"].map((operation) =>
    it(`${operation} gives the session back, and tells so`, async (world) => {
      const session = world.freshSession();
      const consumer = await world.consumer({ eventTypes: ["session.*"] });
      const [first, second] = [await world.agent("agent-1"), await world.agent("agent-2")];
      await first.accept(session);
      assert.equal(status(await first.operate(session, operation)), 200);
      assert.equal(await holderOf(world, session), null);
      assert.equal(status(await second.accept(session)), 200);
      assert.equal(await holderOf(world, session), "agent-2");
      assertProblem(
        await first.operate(session, "SendMessage", { text: "Hi" }),
        "not-your-session",
      );
      await consumer.received(session, "session.accepted", 3);
      assert.deepEqual(
        told(consumer, session).map(({ type, data }) => [type, data.agentId]),
        [
          ["session.accepted", "agent-1"],
          ["session.released", "agent-1"],
          ["session.accepted", "agent-2"],
        ],
      );
    })
  ),

  it("a Leave that the contact centre refuses gives nothing back", async (world) => {
    const session = world.freshSession();
    const [first, second] = [await world.agent("agent-1"), await world.agent("agent-2")];
    await first.accept(session);
    world.upstream.answer(
      session,
      () => Response.json({ statusCode: 2, statusMessage: "not now" }),
    );
    assert.deepEqual((await first.operate(session, "Leave")).json(), {
      statusCode: 2,
      statusMessage: "not now",
    });
    assert.equal(await holderOf(world, session), "agent-1");
    assertProblem(await second.accept(session), "session-held");
  }),

  ...["Invite", "Consult"].map((operation) =>
    it(`${operation} lets one further agent in, who may then operate`, async (world) => {
      const session = world.freshSession();
      const consumer = await world.consumer({ eventTypes: ["session.*"] });
      const [holder, guest, third] = await Promise.all(
        ["agent-1", "agent-2", "agent-3"].map((name) => world.agent(name)),
      );
      assert.ok(holder && guest && third);
      await holder.accept(session);
      const target = { targetUri: "http://localhost:8080/api/v2/users/2a6c" };
      assert.equal(status(await holder.operate(session, operation, target)), 200);
      assert.equal(status(await guest.accept(session)), 200);
      assertProblem(await third.accept(session), "session-held");
      assert.equal(status(await guest.operate(session, "SendToAgents", { text: "Hi" })), 200);
      assert.equal(await holderOf(world, session), "agent-1");
      const { participants } = readSession(
        (await world.admin.get(`/v1/sessions/${session}`)).json(),
      );
      assert.equal(participants.length, 1);
      await consumer.received(session, "session.participant_added", 2);
    })
  ),

  it("Transfer frees the session for the next Accept", async (world) => {
    const session = world.freshSession();
    const [first, second] = [await world.agent("agent-1"), await world.agent("agent-2")];
    await first.accept(session);
    assert.equal(status(await first.operate(session, "Transfer", { queueName: "billing" })), 200);
    assert.equal(status(await second.accept(session)), 200);
    assert.equal(await holderOf(world, session), "agent-2");
  }),

  it("Intrude lets a supervisor in, nobody else", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    const supervisor = await world.agent("boss", "sms:operate sms:supervise sessions:read");
    await agent.accept(session);
    const path = `/api/v2/users/agent-1/smssessions/${session}`;
    const intrude = { operationName: "Intrude", supervisorVisibilityMode: "Monitor" };
    assertProblem(await (await world.agent("agent-2")).post(path, intrude), "insufficient-scope");
    assert.equal(status(await supervisor.post(path, intrude)), 200);
    assert.equal(world.upstream.about(session).at(-1)?.target, path);
    assert.equal(status(await supervisor.operate(session, "SendToAgents", { text: "Hi" })), 200);
  }),

  it("a session that nobody accepted here is the contact centre's to judge", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    await world.notify(statusChange(session, "Chatting"));
    assert.equal(status(await agent.operate(session, "SendMessage", { text: "Hi" })), 200);
    assert.equal(world.upstream.about(session).length, 1);
    assert.equal(await holderOf(world, session), null);
  }),

  it("an operation that nobody has heard of is forwarded for the holder alone", async (world) => {
    const session = world.freshSession();
    const [holder, other] = [await world.agent("agent-1"), await world.agent("agent-2")];
    await holder.accept(session);
    assert.equal(status(await holder.operate(session, "SendFireworks", { colour: "red" })), 200);
    assert.deepEqual(JSON.parse(world.upstream.about(session)[1]?.text ?? ""), {
      operationName: "SendFireworks",
      colour: "red",
    });
    assertProblem(await other.operate(session, "SendFireworks"), "not-your-session");
    assert.equal(world.upstream.about(session).length, 2);
  }),

  it("reads are passed on as they are", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    const body = `{"statusCode":0,"messages":[ ]}`;
    world.upstream.answer(session, () => new Response(body));
    const path = `/api/v2/me/smssessions/${session}/messages?startIndex=0&count=4`;
    assert.equal((await agent.get(path)).text, body);
    assert.equal(world.upstream.about(session)[0]?.target, path);
    for (const path of ["/api/v2/me", "/api/v2/me/smssessions?fields=*"]) {
      assert.deepEqual((await agent.get(path)).json(), { statusCode: 0 });
      assert.equal(world.upstream.requests.items.at(-1)?.target, path);
    }
  }),
];

/** The agent that the session is mapped to, as a supervisor reads it. */
async function holderOf(world: World, session: string): Promise<string | null> {
  const answer = await world.admin.get(`/v1/sessions/${session}`);
  return answer.status === 404 ? null : readSession(answer.json()).agentId;
}

/** The values of the first `count` of `promises` to be fulfilled, in that order. */
function firstSettled<T>(promises: readonly Promise<T>[], count: number): Promise<readonly T[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly T[]>();
  const settled: T[] = [];
  for (const one of promises) {
    one.then((value) => settled.push(value) === count && resolve(settled), reject);
  }
  return promise;
}
