import assert from "node:assert/strict";
import type { Client } from "./client.ts";
import { within } from "./within.ts";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { statusZero } from "../support/scripted_upstream.ts";
import { told } from "./webhook_assertions.ts";
import type { World } from "./world.ts";

const SEND = { operationName: "SendMessage", text: "It leaves at nine." };

/** What `Idempotency-Key` promises, and what is promised without it. */
export const IDEMPOTENCY_STORY: readonly Sentence[] = [
  it("a repeated key gets the first answer again, from any instance, and the contact centre is asked once", async (world) => {
    const { session, agent, asked } = await accepted(world);
    await using second = await world.anotherPatchbay();
    const body = `{"statusCode":0, "referenceId":35,"path":"/é"}\n`;
    const headers = { "content-type": "application/json" };
    world.upstream.answer(session, () => new Response(body, { headers }));
    const key = crypto.randomUUID();

    const first = await operate(agent, session, key, SEND);
    assert.equal(first.status, 200, first.text);
    assert.equal(first.headers.get("idempotency-replayed"), null);
    world.upstream.answer(session, () => Response.json({ statusCode: 4 }, { status: 500 }));
    for (const client of [agent, await second.agent("agent-1"), agent]) {
      const again = await operate(client, session, key, SEND);
      assert.equal(again.status, 200, again.text);
      assert.equal(again.text, body);
      assert.equal(again.headers.get("content-type"), first.headers.get("content-type"));
      assert.equal(again.headers.get("idempotency-replayed"), "true");
    }
    assert.equal(asked(), 1);
  }),

  it("the contact centre's refusal is an answer too, and is given again", async (world) => {
    const { session, agent, asked } = await accepted(world);
    const refusal = { statusCode: 2, statusMessage: "Not now" };
    world.upstream.answer(session, () => Response.json(refusal, { status: 400 }));
    const key = crypto.randomUUID();
    for (const replayed of [null, "true"]) {
      const answer = await operate(agent, session, key, SEND);
      assert.equal(answer.status, 400);
      assert.deepEqual(answer.json(), refusal);
      assert.equal(answer.headers.get("idempotency-replayed"), replayed);
    }
    assert.equal(asked(), 1);
  }),

  it("an Accept repeated with its key is accepted once, and told once", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer();
    const agent = await world.agent("agent-1");
    const key = crypto.randomUUID();
    const accept = { operationName: "Accept", nickname: "Ada" };
    for (let round = 0; round < 3; round++) {
      assert.equal((await operate(agent, session, key, accept)).status, 200);
    }
    assert.equal(world.upstream.about(session).length, 1);
    assert.equal((await agent.operate(session, "Complete")).status, 200);
    await consumer.received(session, "session.released");
    assert.deepEqual(told(consumer, session).map(({ type }) => type), [
      "session.accepted",
      "session.released",
    ]);
  }),

  it("the same key with another body is a mismatch, and the contact centre does not hear of it", async (world) => {
    const { session, agent, asked } = await accepted(world);
    const key = crypto.randomUUID();
    assert.equal((await operate(agent, session, key, SEND)).status, 200);
    const other = await operate(agent, session, key, { ...SEND, text: "It leaves at ten." });
    assertProblem(other, "idempotency-mismatch");
    assert.equal(asked(), 1);
    assert.equal((await operate(agent, session, key, SEND)).status, 200);
    assert.equal(asked(), 1);
  }),

  it("a second request while the first is under way is a conflict; later it gets the first one's answer", async (world) => {
    const { session, agent, asked } = await accepted(world);
    await using second = await world.anotherPatchbay();
    const release = Promise.withResolvers<void>();
    world.upstream.answer(session, async () => {
      await release.promise;
      return statusZero();
    });
    const key = crypto.randomUUID();
    const first = operate(agent, session, key, SEND);
    await world.upstream.asked(session, 2);
    for (const client of [agent, await second.agent("agent-1")]) {
      const conflict = await operate(client, session, key, SEND);
      assertProblem(conflict, "idempotency-conflict");
      assert.ok(Number(conflict.headers.get("retry-after")) > 0);
    }
    release.resolve();
    assert.equal((await within("the first answer", 8_000, first)).status, 200);
    const replayed = await operate(agent, session, key, SEND);
    assert.equal(replayed.headers.get("idempotency-replayed"), "true");
    assert.equal(asked(), 1);
  }),

  it("of twenty at once with one key one is sent, and each of the others is told or waits", async (world) => {
    const { session, agent, asked } = await accepted(world);
    const key = crypto.randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => operate(agent, session, key, SEND)),
    );
    assert.equal(asked(), 1);
    for (const answer of answers) {
      if (answer.status !== 200) assertProblem(answer, "idempotency-conflict");
    }
    assert.equal(
      answers.filter(({ status, headers }) =>
        status === 200 && headers.get("idempotency-replayed") === null
      ).length,
      1,
    );
  }),

  it("a key is a name within one agent and session, and costs nothing when Patchbay itself refuses", async (world) => {
    const [one, two] = [await accepted(world, "agent-1"), await accepted(world, "agent-2")];
    const key = crypto.randomUUID();
    for (const { agent, session } of [one, two]) {
      assertProblem(await operate(agent, session, key, { text: "no operation" }), "invalid-body");
    }
    assertProblem(await operate(one.agent, two.session, key, SEND), "not-your-session");
    for (const { agent, session, asked } of [one, two]) {
      const answer = await operate(agent, session, key, SEND);
      assert.equal(answer.headers.get("idempotency-replayed"), null);
      assert.equal(asked(), 1);
    }
  }),

  it("a key that is none is refused before anything happens", async (world) => {
    const { session, agent, asked } = await accepted(world);
    for (const key of ["", "k".repeat(256), "with a space", '"']) {
      assertProblem(await operate(agent, session, key, SEND), "invalid-parameter");
    }
    assert.equal(asked(), 0);
    // A Structured Fields string and a bare one are one name.
    const answers = [
      await operate(agent, session, `quoted-${session}`, SEND),
      await operate(agent, session, `"quoted-${session}"`, SEND),
    ];
    assert.deepEqual(answers.map(({ headers }) => headers.get("idempotency-replayed")), [
      null,
      "true",
    ]);
    assert.equal(asked(), 1);
  }),

  it("without the header the same body is sent as often as it comes, and nothing is retried", async (world) => {
    const { session, agent, asked } = await accepted(world);
    for (const count of [1, 2]) {
      const answer = await agent.send(pathOf(session), { json: SEND });
      assert.equal(answer.headers.get("idempotency-replayed"), null);
      assert.equal(asked(), count);
    }
    for (const [index, status] of [500, 502, 503].entries()) {
      world.upstream.answer(session, () => Response.json({ statusCode: 4 }, { status }));
      assert.equal((await agent.send(pathOf(session), { json: SEND })).status, status);
      assert.equal(asked(), 3 + index);
    }
  }),
];

/** A session that this agent has accepted; `asked` counts what the contact centre has heard of it since. */
async function accepted(world: World, agentId = "agent-1") {
  const session = world.freshSession();
  const agent = await world.agent(agentId);
  assert.equal((await agent.accept(session)).status, 200);
  return { session, agent, asked: () => world.upstream.about(session).length - 1 };
}

function operate(agent: Client, session: string, key: string, json: unknown) {
  return agent.send(pathOf(session), { json, headers: { "idempotency-key": key } });
}

function pathOf(session: string): string {
  return `/api/v2/me/smssessions/${session}`;
}
