import assert from "node:assert/strict";
import { statusChange } from "./notifications.ts";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { readSession } from "./shapes.ts";

const NO_SESSION_IDS = [
  "é😀",
  "a%2Fb",
  "..",
  ".",
  "a b",
  "a.b",
  "a\u0000b",
  "a;b",
  "x".repeat(129),
];
const NO_AGENT_IDS = ["agent-1\u0000x", "agent-1\n", "agent\u0085", "\ud800", " ", "a".repeat(513)];

/** What may name a session or an agent is one rule, wherever it is named. */
export const ID_STORY: readonly Sentence[] = [
  it("a token that names an agent by what cannot be an id is refused", async (world) => {
    const session = world.freshSession();
    for (const id of NO_AGENT_IDS) {
      const nobody = await world.agent(id);
      assertProblem(await nobody.accept(session), "unauthenticated");
      assertProblem(await nobody.get("/v1/sessions"), "unauthenticated");
    }
    assert.equal(world.upstream.about(session).length, 0);
  }),

  it("an agent whose id merely begins like another's is another agent", async (world) => {
    const session = world.freshSession();
    const [one, other] = [await world.agent("agent-1"), await world.agent("agent-1 x")];
    await one.accept(session);
    assertProblem(await other.accept(session), "session-held");
  }),

  it("an agent's id may be nearly anything, up to 512 characters", async (world) => {
    for (const id of ["auth0|5f7c8ec7", "CN=Ada, O=Example", "é😀", "a".repeat(512)]) {
      const session = world.freshSession();
      assert.equal((await (await world.agent(id)).accept(session)).status, 200);
      const answer = await world.admin.get(`/v1/sessions/${session}`);
      assert.equal(readSession(answer.json()).agentId, id);
      const listed = await world.admin.get(`/v1/sessions?agent=${encodeURIComponent(id)}`);
      assert.match(listed.text, new RegExp(session));
    }
  }),

  it("where an agent is named to be listed or told of, the same rule holds", async (world) => {
    for (const id of NO_AGENT_IDS.filter((id) => id.isWellFormed())) {
      const listed = await world.admin.get(`/v1/sessions?agent=${encodeURIComponent(id)}`);
      assertProblem(listed, "invalid-parameter");
    }
    for (const id of NO_AGENT_IDS) {
      const webhook = { url: "https://example.com/", agentIds: [id] };
      assertProblem(await world.admin.post("/v1/webhooks", webhook), "invalid-parameter");
    }
    const longest = { url: "https://example.com/", agentIds: ["a".repeat(512)] };
    assert.equal((await world.admin.post("/v1/webhooks", longest)).status, 201);
  }),

  it("a notification of a session that no route would answer for is refused", async (world) => {
    for (const id of NO_SESSION_IDS) {
      assertProblem(await world.notify(statusChange("x", "A", { id, uri: null })), "invalid-body");
      const smssessionPath = `/smssessions/${encodeURIComponent(id)}`;
      const byPath = { notificationType: "NewMessages", messages: [], smssessionPath };
      assertProblem(await world.notify(byPath), "invalid-body");
    }
  }),

  it("a session is named by the same ids in every path and filter", async (world) => {
    const agent = await world.agent(
      "agent-1",
      "sms:operate sessions:read sessions:write webhooks:read",
    );
    // Dots alone would be taken out of the path by the client.
    for (const id of NO_SESSION_IDS.filter((id) => !/^\.+$/.test(id))) {
      const encoded = encodeURIComponent(id);
      assertProblem(await agent.get(`/v1/sessions/${encoded}`), "not-found");
      const customer = { phone: "+16502530000" };
      assertProblem(await agent.put(`/v1/sessions/${encoded}/customer`, customer), "not-found");
      assertProblem(await agent.post(`/v1/sessions/${encoded}/expunge`), "not-found");
      const released = await world.admin.send(`/v1/sessions/${encoded}`, { method: "DELETE" });
      assertProblem(released, "not-found");
      assertProblem(await agent.accept(encoded), "not-found");
      assertProblem(await agent.get(`/api/v2/me/smssessions/${encoded}/messages`), "not-found");
      assertProblem(await agent.get(`/v1/events?session=${encoded}`), "invalid-parameter");
    }
  }),

  it("an id that is merely encoded in a path is the id", async (world) => {
    const session = world.freshSession();
    const encoded = session.replace("N", "%4E");
    const agent = await world.agent("agent-1");
    await agent.accept(encoded);
    assert.equal(world.upstream.about(session).length, 1);
    const told = { smssessionPath: `/smssessions/${encoded}`, notificationType: "X" };
    assert.equal((await world.notify(told)).status, 202);
    const { text } = await world.admin.get(
      `/v1/events?session=${session}&type=session.notification`,
    );
    assert.match(text, new RegExp(`"sessionId":"${session}"`));
  }),
];
