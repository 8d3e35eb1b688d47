import assert from "node:assert/strict";
import { redisEnv } from "./support/patchbay_for_load.ts";
import { startRedisServer } from "../simulator/kit/redis_server.ts";
import { redisTest } from "./support/needs_redis.ts";
import { assertTold, DONE, fateOf, HELD } from "./support/shared_session/assertions.ts";
import { AGENTS, SUPERVISOR } from "./support/shared_session/callers.ts";
import { type SharedSession, startSharedSession } from "./support/shared_session/shared_session.ts";
import type { Hearing } from "./support/shared_session/surroundings.ts";

const [ANN, BOB, CY] = AGENTS;
const TO_BOB = { targetPath: `/users/${BOB}` };
const TO_CY = { targetPath: `/users/${CY}` };

/** One test for each store. */
function sharedTest(
  name: string,
  run: (session: SharedSession) => Promise<void>,
  hearing: Hearing = "pushed",
): void {
  const how = hearing === "pushed" ? "" : ", as Patchbay hears by itself";
  Deno.test(`${name}${how} (SQLite)`, async () => {
    await using session = await startSharedSession({ env: { SQLITE_PATH: ":memory:" }, hearing });
    await run(session);
  });
  redisTest(`${name}${how} (Redis)`, async () => {
    await using redis = await startRedisServer();
    await using session = await startSharedSession({ env: redisEnv(redis.url), hearing });
    await run(session);
  });
}

/** Who holds the session, then who else is in it; null: nobody. */
async function agentsIn({ mapping }: SharedSession): Promise<readonly string[] | null> {
  const mapped = await mapping();
  return mapped === null ? null : [mapped.agentId, ...mapped.participants];
}

/** Ann is in, and bob by her Invite or Consult. What was told of it has been looked at. */
async function letBobIn(session: SharedSession, operationName: string): Promise<void> {
  assert.deepEqual(await session.accept(ANN), DONE);
  assert.deepEqual(await session.operate(ANN, operationName, TO_BOB), DONE);
  assert.deepEqual(await session.accept(BOB), DONE);
  assert.deepEqual(await agentsIn(session), [ANN, BOB]);
  await session.newEvents();
}

const text = (text: string) => ({ text });
const fateOfText = (session: SharedSession, agentId: string) =>
  fateOf(session, agentId, "SendMessage", text(`from ${agentId}`));

/** Each of them says something to the customer; tells what became of it. */
async function allText(session: SharedSession): Promise<Record<string, string>> {
  const fates: Record<string, string> = {};
  for (const agentId of AGENTS) fates[agentId] = await fateOfText(session, agentId);
  return fates;
}

sharedTest(
  "an intruding supervisor is in at once, and may send once upstream says so",
  async (session) => {
    await session.accept(ANN);
    await session.newEvents();
    assert.deepEqual(await session.intrude(ANN, "BargeIn"), DONE);
    assert.deepEqual(await agentsIn(session), [ANN, SUPERVISOR]);
    await assertTold(session, ["ann: participant_added sue", "ann: status_changed Invited"]);
    assert.equal(await fateOfText(session, SUPERVISOR), "upstream refuses");
    assert.equal(await fateOfText(session, BOB), "refused");
    assert.deepEqual(await session.accept(BOB), HELD);

    assert.deepEqual(await session.accept(SUPERVISOR), DONE);
    await assertTold(session, [
      "ann: status_changed Chatting",
      "ann: participants_updated ann, sue, Pat",
      "ann: messages_added sue ParticipantJoined",
    ]);
    assert.equal(await fateOfText(session, SUPERVISOR), "done");
    await assertTold(session, ["ann: messages_added sue says from sue", "ann: sms.sent"]);
    assert.deepEqual(session.texts(), ["from sue"]);

    assert.deepEqual(await session.operate(SUPERVISOR, "Leave"), DONE);
    assert.deepEqual(await agentsIn(session), [ANN]);
  },
);

sharedTest("what a coaching supervisor says never leaves", async (session) => {
  await session.accept(ANN);
  await session.intrude(ANN, "Coach");
  await session.accept(SUPERVISOR);
  assert.equal(await fateOfText(session, SUPERVISOR), "done");
  assert.equal(await fateOfText(session, ANN), "done");
  await session.newEvents();
  assert.deepEqual(session.texts(), ["from ann"]);
});

sharedTest("a supervisor who rejects what the Intrude led to is out again", async (session) => {
  await session.accept(ANN);
  await session.intrude(ANN, "Monitor");
  await session.newEvents();
  assert.deepEqual(await session.operate(SUPERVISOR, "Reject"), DONE);
  assert.deepEqual(await agentsIn(session), [ANN]);
  await assertTold(session, [
    "ann: status_changed Completed",
    "ann: participants_updated ann, Pat",
  ]);
});

sharedTest(
  "a consulted agent may send, and none of it leaves before the session is theirs",
  async (session) => {
    await letBobIn(session, "Consult");
    assert.equal(await fateOfText(session, BOB), "done");
    assert.equal(await fateOf(session, BOB, "SendToAgents", text("aside")), "done");
    await assertTold(session, [
      "ann: messages_added bob says to Agents from bob",
      "ann: messages_added bob says to Agents aside",
    ]);
    assert.deepEqual(session.texts(), []);

    // Bob is in already: upstream asks no Accept of him.
    assert.deepEqual(await session.operate(ANN, "Transfer", TO_BOB), DONE);
    assert.deepEqual(await agentsIn(session), [BOB]);
    assert.deepEqual(await allText(session), { ann: "refused", bob: "done", cy: "refused" });
    await session.newEvents();
    assert.deepEqual(session.texts(), ["from bob"]);
  },
);

sharedTest("an invited agent who rejects leaves the session as it was", async (session) => {
  await session.accept(ANN);
  await session.operate(ANN, "Invite", TO_BOB);
  await session.newEvents();
  assert.equal(await fateOf(session, CY, "Reject"), "upstream refuses");
  assert.deepEqual(await session.operate(BOB, "Reject"), DONE);
  await assertTold(session, [
    "ann: status_changed Completed",
    "ann: participants_updated ann, Pat",
  ]);
  assert.deepEqual(await session.mapping(), { agentId: ANN, participants: [], state: "Chatting" });
  for (const agentId of [BOB, CY]) assert.deepEqual(await session.accept(agentId), HELD);
  assert.deepEqual(await allText(session), { ann: "done", bob: "refused", cy: "refused" });
});

for (const operationName of ["Leave", "LeaveAndComplete"]) {
  sharedTest(
    `after the holder's ${operationName} the participant holds the session`,
    async (session) => {
      await letBobIn(session, "Invite");
      assert.deepEqual(await session.operate(ANN, operationName), DONE);
      await assertTold(session, [
        "bob: status_changed LeftChat",
        "bob: status_changed Completed",
        "bob: participants_updated bob, Pat",
        "bob: messages_added ann ParticipantLeft",
      ]);
      assert.deepEqual(await session.mapping(), {
        agentId: BOB,
        participants: [],
        state: "Chatting",
      });
      assert.deepEqual(await session.accept(ANN), HELD);
      assert.deepEqual(await allText(session), { ann: "refused", bob: "done", cy: "refused" });
      await assertTold(session, ["bob: messages_added bob says from bob", "bob: sms.sent"]);
      assert.deepEqual(session.texts(), ["from bob"]);

      assert.deepEqual(await session.operate(BOB, operationName), DONE);
      assert.equal(await agentsIn(session), null);
      await assertTold(session, [
        `bob: released ${operationName}`,
        "nobody: status_changed LeftChat",
        "nobody: status_changed Completed",
      ]);
    },
  );
}

sharedTest("a participant's Complete ends the session for everybody", async (session) => {
  await letBobIn(session, "Invite");
  assert.deepEqual(await session.operate(BOB, "Complete"), DONE);
  assert.equal(await agentsIn(session), null);
  await assertTold(session, ["ann: released Complete", "nobody: status_changed Completed"]);
  assert.equal(await fateOfText(session, ANN), "upstream refuses");
});

sharedTest(
  "a Transfer past a participant leaves them in, and who accepts it holds the session",
  async (session) => {
    await letBobIn(session, "Invite");
    assert.deepEqual(await session.operate(ANN, "Transfer", TO_CY), DONE);
    assert.deepEqual(await agentsIn(session), [BOB]);
    assert.deepEqual(await allText(session), { ann: "refused", bob: "done", cy: "refused" });
    await session.newEvents();
    assert.deepEqual(await session.accept(CY), DONE);
    assert.deepEqual(await agentsIn(session), [CY, BOB]);
    assert.deepEqual(await allText(session), { ann: "refused", bob: "done", cy: "done" });
    await assertTold(session, [
      "cy: accepted cy",
      "cy: status_changed Chatting",
      "cy: participants_updated bob, cy, Pat",
      "cy: messages_added cy ParticipantJoined",
      "cy: messages_added bob says from bob",
      "cy: messages_added cy says from cy",
      "cy: sms.sent",
      "cy: sms.sent",
    ]);
    assert.deepEqual(session.texts(), ["from bob", "from bob", "from cy"]);
  },
);

sharedTest(
  "a participant who transfers their place away leaves the holder alone",
  async (session) => {
    await letBobIn(session, "Invite");
    assert.deepEqual(await session.operate(BOB, "Transfer", TO_CY), DONE);
    assert.deepEqual(await agentsIn(session), [ANN]);
    assert.deepEqual(await session.accept(CY), DONE);
    assert.deepEqual(await agentsIn(session), [ANN, CY]);
    assert.deepEqual(await allText(session), { ann: "done", bob: "refused", cy: "done" });
  },
);

sharedTest(
  "the wrong agent's Accept after a Transfer is upstream's to refuse, and stops nobody",
  async (session) => {
    await session.accept(ANN);
    await session.operate(ANN, "Transfer", TO_CY);
    await session.newEvents();
    const [bob, cy] = await Promise.all([session.accept(BOB), session.accept(CY)]);
    assert.notEqual(bob.statusCode, 0);
    // While the wrong one is being judged the right one may have to come again.
    if (cy.statusCode !== 0) {
      assert.deepEqual(cy, HELD);
      assert.deepEqual(await session.accept(CY), DONE);
    }
    assert.deepEqual(await agentsIn(session), [CY]);
    const told = (await session.newEvents()).filter(({ kind }) => kind === "accepted");
    assert.deepEqual(told.map(({ line }) => line), ["cy: accepted cy"]);
  },
);

// --------------------------------------------------------- an agent goes without Patchbay: from another desktop, say

sharedTest(
  "whoever is told of the end of their part is out, and nobody else",
  async (session) => {
    await letBobIn(session, "Invite");
    session.centre.agentOperates(session.id, BOB, { operationName: "Leave" });
    await session.newEvents();
    assert.deepEqual(await session.mapping(), {
      agentId: ANN,
      participants: [],
      state: "Chatting",
    });
    assert.deepEqual(await allText(session), { ann: "done", bob: "refused", cy: "refused" });
    assert.deepEqual(await session.accept(BOB), HELD);
  },
  "heard",
);

sharedTest(
  "a holder who is told of the end of their part hands the session to the participant",
  async (session) => {
    await letBobIn(session, "Invite");
    session.centre.agentOperates(session.id, ANN, { operationName: "Leave" });
    await session.newEvents();
    assert.deepEqual(await agentsIn(session), [BOB]);
    assert.deepEqual(await allText(session), { ann: "refused", bob: "done", cy: "refused" });

    session.centre.agentOperates(session.id, BOB, { operationName: "Complete" });
    const told = (await session.newEvents()).map(({ line }) => line);
    assert.equal(await agentsIn(session), null);
    assert.ok(told.includes("bob: released completed"), told.join("\n"));
  },
  "heard",
);

sharedTest(
  "the end of a participant's part, when pushed, is nobody's in particular: the holder stays",
  async (session) => {
    await letBobIn(session, "Invite");
    session.centre.agentOperates(session.id, BOB, { operationName: "Leave" });
    await session.newEvents();
    assert.deepEqual(await agentsIn(session), [ANN, BOB]);
    assert.deepEqual(await allText(session), {
      ann: "done",
      bob: "upstream refuses",
      cy: "refused",
    });
    assert.deepEqual(await session.operate(ANN, "Complete"), DONE);
    assert.equal(await agentsIn(session), null);
  },
);
