import assert from "node:assert/strict";
import type { ContactCentre } from "../../simulator/contact_centre/contact_centre.ts";
import { all, toOperate } from "../../simulator/contact_centre/fault_presets.ts";
import { startContactCentre } from "../../simulator/contact_centre/server.ts";
import type { Answer } from "./client.ts";
import { OUTAGES } from "./outages.ts";
import { assertProblem } from "./problem.ts";
import { openSqliteFile } from "./stores.ts";
import { assertStoreUnavailable } from "./store_away.ts";
import { startWorld, type World } from "./world.ts";

const NOT_YOURS = "not-your-session";
const LIST = "/api/v2/me/smssessions";
const SHARED = {
  UPSTREAM_AUTH: "basic",
  UPSTREAM_USERNAME: "patchbay",
  UPSTREAM_PASSWORD: "secret",
};
/** An instance's knowledge of whose a session is lasts this long, plus what the clocks of a test are off by. */
const KNOWLEDGE_MS = 2_100;

type Telling = (world: World, centre: ContactCentre) => Promise<void>;

/** The contact centre knows one user alone, so it is Patchbay that keeps the agents apart. */
const SENTENCES: Record<string, Telling> = {
  async "a session that is nobody's here is closed to all but Accept"(world, centre) {
    const session = offered(centre);
    const agent = await world.agent("agent-1");
    const about = () => centre.requests.items.filter(({ path }) => path.includes(session)).length;
    for (const operation of ["SendMessage", "Reject", "Complete", "Leave", "SendFireworks"]) {
      assertProblem(await agent.operate(session, operation, { text: "Hi" }), NOT_YOURS);
    }
    for (const path of [`${LIST}/${session}`, `${LIST}/${session}/messages`]) {
      assertProblem(await agent.get(path), NOT_YOURS);
    }
    assert.equal(about(), 0);
    assert.equal((await agent.accept(session)).status, 200);
    assert.equal((await agent.get(`${LIST}/${session}/messages`)).status, 200);
  },

  async "a finished conversation is no longer anybody's to read"(world, centre) {
    const session = offered(centre);
    const [agent, other] = [await world.agent("agent-1"), await world.agent("agent-2")];
    await agent.accept(session);
    assert.equal((await agent.operate(session, "Complete")).status, 200);
    for (const one of [agent, other]) {
      for (const path of [`${LIST}/${session}`, `${LIST}/${session}/messages`]) {
        assertProblem(await one.get(path), NOT_YOURS);
      }
    }
  },

  async "lists show an agent its own sessions alone, in whichever shape"(world, centre) {
    const [ofOne, ofTwo, nobodys] = [offered(centre), offered(centre), offered(centre)];
    const [one, two] = [await world.agent("agent-1"), await world.agent("agent-2")];
    await one.accept(ofOne);
    await two.accept(ofTwo);
    for (const query of ["", "?fields=*"]) {
      for (const [agent, own] of [[one, ofOne], [two, ofTwo]] as const) {
        const answer = await agent.get(LIST + query);
        assert.equal(answer.status, 200);
        assert.equal(Number(answer.headers.get("content-length")), answer.text.length);
        assert.deepEqual(idsIn(answer), [own]);
      }
      assert.deepEqual(idsIn(await (await world.agent("agent-3")).get(LIST + query)), []);
    }
    for (const query of ["?subresources=*", "?subresources=smssessions"]) {
      const { text } = await one.get(`/api/v2/me${query}`);
      assert.ok(text.includes(ofOne) && !text.includes(ofTwo) && !text.includes(nobodys), text);
    }
  },

  async "a participant sees the session as well"(world, centre) {
    const session = offered(centre);
    const agent = await world.agent("agent-1");
    const boss = await world.agent("boss", "sms:operate sms:supervise sessions:read");
    await agent.accept(session);
    centre.faults.next({ kind: "status", status: 200, body: { statusCode: 0 } }, {
      matching: toOperate("Intrude", session),
    });
    const intrude = { operationName: "Intrude", supervisorVisibilityMode: "Monitor" };
    const path = `/api/v2/users/agent-1/smssessions/${session}`;
    assert.equal((await boss.post(path, intrude)).status, 200);
    assert.deepEqual(idsIn(await boss.get(`${LIST}?fields=*`)), [session]);
  },

  async "an agent whose Accept is in doubt, and every other, waits outside"(world, centre) {
    const session = offered(centre);
    const [agent, other] = [await world.agent("agent-1"), await world.agent("agent-2")];
    centre.faults.next("hang", {
      matching: toOperate("Accept", session),
      when: "after-acting",
    });
    for (let n = 0; n < 20; n++) centre.faults.next("html", { matching: reads });
    assertProblem(await agent.accept(session), "upstream-timeout");
    for (const one of [agent, other]) {
      assertProblem(await one.operate(session, "SendMessage", { text: "Hi" }), NOT_YOURS);
      assertProblem(await one.get(`${LIST}/${session}`), NOT_YOURS);
    }
    assertProblem(await other.accept(session), "session-held");
    centre.faults.clear();
    const retry = await agent.accept(session);
    assert.equal(Object(retry.json()).statusCode, 2);
    assert.equal((await agent.operate(session, "SendMessage", { text: "Hi" })).status, 200);
    assertProblem(await other.operate(session, "SendMessage", { text: "Hi" }), NOT_YOURS);
  },

  async "who uses another agent's nickname is let in by nothing but a seat"(world, centre) {
    const session = offered(centre);
    centre.routeSession(session, SHARED.UPSTREAM_USERNAME);
    // Accepted at another desktop, under the nickname that everybody here uses.
    const accept = { operationName: "Accept", nickname: "Ada" };
    centre.agentOperates(session, SHARED.UPSTREAM_USERNAME, accept);
    const thief = await world.agent("agent-2");
    assert.equal(Object((await thief.accept(session)).json()).statusCode, 2);
    assertProblem(await thief.operate(session, "SendMessage", { text: "Hi" }), NOT_YOURS);
  },
};

const reads = all(({ method }) => method === "GET", ({ path }) => path.includes("smssessions"));

Deno.test("one account for all agents", async (t) => {
  for (const [says, tell] of Object.entries(SENTENCES)) {
    await t.step(says, async () => {
      await using store = await openSqliteFile();
      await using centre = await startContactCentre();
      const env = { ...SHARED, UPSTREAM_URL: centre.url, UPSTREAM_TIMEOUT_MS: "600" };
      await using world = await startWorld(store, env);
      await tell(world, centre);
    });
  }
});

for (const env of [SHARED, {}]) {
  const mode = "UPSTREAM_AUTH" in env ? "basic" : "forward";
  for (const { name, open, ignore } of OUTAGES.slice(0, 2)) {
    Deno.test({
      name:
        `${name}: whose the session was before another instance mapped it anew is no permission (${mode})`,
      ignore,
      async fn() {
        await using outage = await open();
        await using world = await startWorld(outage.store, env);
        await using second = await world.anotherPatchbay();
        const session = world.freshSession();
        const [here, there] = [await world.agent("agent-1"), await second.agent("agent-1")];
        await here.accept(session);
        const knownMs = performance.now();
        await there.operate(session, "Complete");
        await (await second.agent("agent-2")).accept(session);
        await elapsed(knownMs, KNOWLEDGE_MS);
        const asked = world.upstream.about(session).length;
        await outage.down();
        try {
          assertStoreUnavailable(await here.operate(session, "SendMessage", { text: "Hi" }));
          assertStoreUnavailable(await here.get(`${LIST}/${session}/messages`));
        } finally {
          await outage.up();
        }
        assert.equal(world.upstream.about(session).length, asked);
      },
    });
  }
}

function offered(centre: ContactCentre): string {
  return centre.addSession({ customer: { nickname: "Customer" } }).id;
}

/** The sessions in a list of either shape. */
function idsIn(answer: Answer): readonly string[] {
  const { uris, smssessions } = Object(answer.json());
  const named: readonly unknown[] = uris ?? smssessions.map(({ id }: { id: string }) => id);
  return named.map((name) => String(name).split("/").at(-1) ?? "");
}

/** What is tested is what becomes of knowledge by its age, so there is nothing but time to wait for. */
async function elapsed(sinceMs: number, ms: number): Promise<void> {
  const leftMs = sinceMs + ms - performance.now();
  if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
}
