import assert from "node:assert/strict";
import { redisEnv } from "./support/patchbay_for_load.ts";
import { startRedisServer } from "../simulator/kit/redis_server.ts";
import { redisTest } from "./support/needs_redis.ts";
import { assertTold, DONE, type Fate, fateOf } from "./support/shared_session/assertions.ts";
import { AGENTS, type OperationAnswer } from "./support/shared_session/callers.ts";
import {
  type Mapping,
  type SharedSession,
  startSharedSession,
} from "./support/shared_session/shared_session.ts";
import type { Hearing } from "./support/shared_session/surroundings.ts";

const [ANN, BOB, CY] = AGENTS;

interface Step {
  readonly name: string;
  readonly act: (session: SharedSession) => Promise<OperationAnswer>;
  /** Who holds the session afterwards, and who is in it beside them. */
  readonly mapping: Mapping | null;
  /** What becomes of a text of ann's, bob's and cy's then. */
  readonly texts: readonly [Fate, Fate, Fate];
  /** Whose Accept is refused by Patchbay. */
  readonly heldFor: readonly string[];
  /** Whose is forwarded, for upstream to refuse it. */
  readonly strayAccepts?: readonly string[];
  /** What the step itself tells, in order. */
  readonly told: readonly string[];
}

const STORY: readonly Step[] = [
  {
    name: "A accepts",
    act: ({ accept }) => accept(ANN),
    mapping: { agentId: ANN, participants: [], state: "Chatting" },
    texts: ["done", "refused", "refused"],
    heldFor: [BOB, CY],
    told: [
      "ann: accepted ann",
      "ann: status_changed Chatting",
      "ann: participants_updated ann, Pat",
      "ann: messages_added Pat ParticipantJoined, Pat says Where is my parcel?, " +
      "Bot ParticipantJoined, Bot says An agent will be with you shortly, ann ParticipantJoined",
    ],
  },
  {
    name: "A invites B",
    act: ({ operate }) => operate(ANN, "Invite", { targetPath: `/users/${BOB}` }),
    mapping: { agentId: ANN, participants: [], state: "Chatting" },
    texts: ["done", "refused", "refused"],
    heldFor: [],
    // For whom the open seat is, upstream alone knows.
    strayAccepts: [CY],
    told: ["ann: status_changed Invited", "ann: participants_updated ann, bob, Pat"],
  },
  {
    name: "B accepts",
    act: ({ accept }) => accept(BOB),
    mapping: { agentId: ANN, participants: [BOB], state: "Chatting" },
    texts: ["done", "done", "refused"],
    heldFor: [CY],
    told: [
      "ann: participant_added bob",
      "ann: status_changed Chatting",
      "ann: participants_updated ann, bob, Pat",
      "ann: messages_added bob ParticipantJoined",
    ],
  },
  {
    name: "B leaves",
    act: ({ operate }) => operate(BOB, "Leave"),
    mapping: { agentId: ANN, participants: [], state: "Chatting" },
    texts: ["done", "refused", "refused"],
    heldFor: [BOB, CY],
    told: [
      "ann: status_changed LeftChat",
      "ann: status_changed Completed",
      "ann: participants_updated ann, Pat",
      "ann: messages_added bob ParticipantLeft",
    ],
  },
  {
    name: "A transfers to C",
    act: ({ operate }) => operate(ANN, "Transfer", { targetPath: `/users/${CY}` }),
    mapping: null,
    texts: ["upstream refuses", "upstream refuses", "upstream refuses"],
    heldFor: [],
    strayAccepts: [ANN, BOB],
    told: [
      "ann: released Transfer",
      "nobody: status_changed Completed",
      "nobody: status_changed Invited",
    ],
  },
  {
    name: "C accepts",
    act: ({ accept }) => accept(CY),
    mapping: { agentId: CY, participants: [], state: "Chatting" },
    texts: ["refused", "refused", "done"],
    heldFor: [ANN, BOB],
    told: [
      "cy: accepted cy",
      "cy: status_changed Chatting",
      "cy: participants_updated cy, Pat",
      "cy: messages_added ann ParticipantLeft, cy ParticipantJoined",
    ],
  },
  {
    name: "C completes",
    act: ({ operate }) => operate(CY, "Complete"),
    mapping: null,
    texts: ["upstream refuses", "upstream refuses", "upstream refuses"],
    heldFor: [],
    strayAccepts: [ANN, BOB, CY],
    told: ["cy: released Complete", "nobody: status_changed Completed"],
  },
];

/** Plays the story; after each step the mapping, who may send, the events and the customer's phone are looked at. */
async function playStory(env: Readonly<Record<string, string>>, hearing: Hearing): Promise<void> {
  await using session = await startSharedSession({ env, hearing });
  const atPhone: string[] = [];
  await assertTold(session, ["nobody: status_changed Invited"], "before anybody accepts");

  for (const step of STORY) {
    const { name } = step;
    assert.deepEqual(await step.act(session), DONE, name);
    await assertTold(session, step.told, name);
    assert.deepEqual(await session.mapping(), step.mapping, name);

    for (const agentId of step.heldFor) {
      const fate = await fateOf(session, agentId, "Accept", { nickname: agentId });
      assert.equal(fate, "refused", `Accept by ${agentId}: ${name}`);
    }
    for (const agentId of step.strayAccepts ?? []) {
      const fate = await fateOf(session, agentId, "Accept", { nickname: agentId });
      assert.equal(fate, "upstream refuses", `Accept by ${agentId}: ${name}`);
    }
    const said: string[] = [];
    for (const [at, agentId] of AGENTS.entries()) {
      const text = `${agentId} after "${name}"`;
      for (const operationName of ["SendMessage", "SendToAgents"]) {
        const fate = await fateOf(session, agentId, operationName, { text });
        assert.equal(fate, step.texts[at], `${operationName} by ${text}`);
      }
      if (step.texts[at] !== "done") continue;
      const holder = step.mapping?.agentId;
      said.push(`${holder}: messages_added ${agentId} says ${text}`);
      said.push(`${holder}: messages_added ${agentId} says to Agents ${text}`);
      said.push(`${holder}: sms.sent`);
      atPhone.push(text);
    }
    await assertTold(session, said, `texts after ${name}`);
    assert.deepEqual(await session.mapping(), step.mapping, `texts after ${name}`);
    assert.deepEqual(session.texts(), atPhone, name);
  }
}

for (const hearing of ["pushed", "heard"] as const) {
  const story =
    `A accepts, invites B, B accepts and leaves, A transfers to C, C accepts and completes; notifications are ${hearing}`;

  Deno.test(`${story} (SQLite)`, async () => {
    await playStory({ SQLITE_PATH: ":memory:" }, hearing);
  });

  redisTest(`${story} (Redis)`, async () => {
    await using redis = await startRedisServer();
    await playStory(redisEnv(redis.url), hearing);
  });
}
