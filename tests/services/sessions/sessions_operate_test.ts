import assert from "node:assert/strict";
import { NotYourSession, SessionHeld } from "../../../services/errors.ts";
import { OPEN_SEAT_MS } from "../../../services/sessions/effects.ts";
import { json, type ProxiedPath, SESSION, withProxiedPath } from "../../support/proxied_path.ts";
import { aRequest } from "../../support/upstream_request.ts";

const HELLO = { operationName: "SendMessage", text: "hello" };
const UNKNOWN = { operationName: "AddAttachment", fileName: "a.png" };
const INVITE = { operationName: "Invite", targetUri: "u" };

const accept = ({ sessions, call }: ProxiedPath, agentId: string, nickname = agentId) =>
  sessions.accept(call(agentId, { operationName: "Accept", nickname }));

const operate = ({ sessions, call }: ProxiedPath, agentId: string, members = HELLO as object) =>
  sessions.operate(call(agentId, { ...members }));

const reading = (agentId: string) => ({
  agentId,
  sessionId: SESSION,
  request: aRequest({ method: "GET", body: null }),
});

/** Holder and one participant, let in by Invite. */
async function twoAgents(path: ProxiedPath): Promise<void> {
  await accept(path, "agent-1");
  await operate(path, "agent-1", INVITE);
  await accept(path, "agent-2");
}

// ------------------------------------------------------------------------------------------ who may operate

Deno.test("operate() forwards for the holder and for a participant", async () => {
  await withProxiedPath(async (path) => {
    await twoAgents(path);
    for (const agentId of ["agent-1", "agent-2"]) {
      assert.equal((await operate(path, agentId)).status, 200);
    }
    assert.equal(path.upstream.seen.length, 5);
  });
});

for (const members of [HELLO, { operationName: "Complete" }, UNKNOWN]) {
  Deno.test(`operate() refuses ${members.operationName} on another agent's session`, async () => {
    await withProxiedPath(async (path) => {
      await accept(path, "agent-1");
      await assert.rejects(operate(path, "agent-2", members), NotYourSession);
      assert.equal(path.upstream.seen.length, 1);
      assert.equal(await path.agents(), "agent-1");
    });
  });
}

for (const members of [HELLO, { operationName: "Reject" }, UNKNOWN]) {
  Deno.test(`operate() forwards ${members.operationName} where there is no mapping, and makes none`, async () => {
    await withProxiedPath(async (path) => {
      assert.equal((await operate(path, "agent-1", members)).status, 200);
      assert.equal(await path.agents(), null);
      assert.deepEqual(await path.events(), []);
    });
  });
}

Deno.test("operate() forwards an operation it does not know for the holder, and logs it cut short", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await operate(path, "agent-1", { operationName: "X".repeat(1000) });
    assert.equal(path.upstream.seen.length, 2);
    assert.deepEqual(path.log.of("operation.unknown").map(({ fields }) => fields), [
      { sessionId: SESSION, agentId: "agent-1", operationName: `${"X".repeat(64)}…` },
    ]);
  });
});

Deno.test("operate() brings a refusal back verbatim and leaves the mapping alone", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.say(() => new Response('{ "statusCode":2 }', { status: 409 }));
    const answer = await operate(path, "agent-1", { operationName: "Complete" });
    assert.equal(answer.status, 409);
    assert.equal(new TextDecoder().decode(answer.body), '{ "statusCode":2 }');
    assert.equal(await path.agents(), "agent-1");
  });
});

// ------------------------------------------------------------------------------------------------- effects

const ENDINGS = [
  { operationName: "Complete" },
  { operationName: "LeaveAndComplete" },
  { operationName: "Transfer", targetUri: "u" },
  { operationName: "Leave" },
  { operationName: "Reject" },
];

for (const members of ENDINGS) {
  const { operationName } = members;
  Deno.test(`operate() frees the session after ${operationName} and publishes session.released`, async () => {
    await withProxiedPath(async (path) => {
      await accept(path, "agent-1");
      await operate(path, "agent-1", members);
      assert.equal(await path.agents(), null);
      assert.deepEqual((await path.events())[1], ["session.released", { operationName }]);
      await accept(path, "agent-2");
      assert.equal(await path.agents(), "agent-2");
    });
  });
}

Deno.test("operate() hands the session to the participant when the holder leaves, and publishes nothing", async () => {
  await withProxiedPath(async (path) => {
    await twoAgents(path);
    await operate(path, "agent-1", { operationName: "Leave" });
    assert.equal(await path.agents(), "agent-2");
    assert.equal((await path.events()).length, 2);
    await assert.rejects(operate(path, "agent-1"), NotYourSession);
  });
});

const TRANSFER = { operationName: "Transfer", targetUri: "u" };

Deno.test("operate() leaves the participant in after the holder's Transfer, and the next Accept makes a holder", async () => {
  await withProxiedPath(async (path) => {
    await twoAgents(path);
    await operate(path, "agent-1", TRANSFER);
    assert.equal(await path.agents(), "agent-2");
    await assert.rejects(operate(path, "agent-1"), NotYourSession);
    assert.equal((await path.events()).length, 2);
    await accept(path, "agent-3", "Cy");
    assert.equal(await path.agents(), "agent-3, agent-2");
    assert.deepEqual((await path.events())[2], ["session.accepted", { nickname: "Cy" }]);
    await assert.rejects(accept(path, "agent-4"), SessionHeld);
  });
});

Deno.test("operate() keeps the holder when a participant transfers, and the next Accept makes a participant", async () => {
  await withProxiedPath(async (path) => {
    await twoAgents(path);
    await operate(path, "agent-2", TRANSFER);
    assert.equal(await path.agents(), "agent-1");
    await assert.rejects(operate(path, "agent-2"), NotYourSession);
    await accept(path, "agent-3");
    assert.equal(await path.agents(), "agent-1, agent-3");
    assert.deepEqual((await path.events()).map(([type]) => type), [
      "session.accepted",
      "session.participant_added",
      "session.participant_added",
    ]);
  });
});

Deno.test("accept() after a Transfer waits for the verdict on the wrong agent's Accept, and then goes through", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await operate(path, "agent-1", TRANSFER);
    const [asked, verdict] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    path.say(async () => {
      asked.resolve();
      await verdict.promise;
      return json(6);
    });
    const wrong = accept(path, "agent-2");
    await asked.promise;
    await assert.rejects(accept(path, "agent-3"), SessionHeld);
    verdict.resolve();
    await wrong;
    path.say(() => json(0));
    await accept(path, "agent-3");
    assert.equal(await path.agents(), "agent-3");
  });
});

for (const operationName of ["Invite", "Consult"]) {
  Deno.test(`operate() opens a seat for five minutes after ${operationName}`, async () => {
    await withProxiedPath(async (path) => {
      await accept(path, "agent-1");
      await operate(path, "agent-1", { operationName, targetPath: "/users/2" });
      assert.equal((await path.events()).length, 1);
      path.clock.advance(OPEN_SEAT_MS - 1);
      await accept(path, "agent-2");
      assert.equal(await path.agents(), "agent-1, agent-2");
    });
  });
}

Deno.test("operate() lets the seat lapse", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await operate(path, "agent-1", INVITE);
    path.clock.advance(OPEN_SEAT_MS);
    await assert.rejects(accept(path, "agent-2"));
  });
});

// ------------------------------------------------------------------------------------------ an invited Reject

const REJECT = { operationName: "Reject" };

Deno.test("operate() forwards an invited agent's Reject, and then the seat is closed", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await operate(path, "agent-1", INVITE);
    assert.equal((await operate(path, "agent-2", REJECT)).status, 200);
    assert.equal(path.upstream.seen.length, 3);
    assert.equal(await path.agents(), "agent-1");
    assert.deepEqual((await path.events()).map(([type]) => type), ["session.accepted"]);
    await assert.rejects(accept(path, "agent-2"), SessionHeld);
    await assert.rejects(operate(path, "agent-2", REJECT), NotYourSession);
    assert.equal(path.upstream.seen.length, 3);
    assert.equal((await operate(path, "agent-1")).status, 200);
  });
});

Deno.test("operate() leaves the seat open when upstream refuses the Reject: it meant somebody else", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await operate(path, "agent-1", INVITE);
    path.say(() => json(6));
    await operate(path, "agent-3", REJECT);
    path.say(() => json(0));
    await accept(path, "agent-2");
    assert.equal(await path.agents(), "agent-1, agent-2");
  });
});

Deno.test("operate() refuses Reject from outside without a seat, with a lapsed one and with one taken", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await assert.rejects(operate(path, "agent-2", REJECT), NotYourSession);
    await operate(path, "agent-1", INVITE);
    path.clock.advance(OPEN_SEAT_MS);
    await assert.rejects(operate(path, "agent-2", REJECT), NotYourSession);
    await operate(path, "agent-1", INVITE);
    await accept(path, "agent-2");
    await assert.rejects(operate(path, "agent-3", REJECT), NotYourSession);
    assert.equal(path.upstream.seen.length, 4);
  });
});

for (const members of [HELLO, { operationName: "Leave" }, { operationName: "Complete" }, UNKNOWN]) {
  Deno.test(`operate() refuses an invited agent's ${members.operationName}: it is not in the session yet`, async () => {
    await withProxiedPath(async (path) => {
      await accept(path, "agent-1");
      await operate(path, "agent-1", INVITE);
      await assert.rejects(operate(path, "agent-2", members), NotYourSession);
      await assert.rejects(path.sessions.read(reading("agent-2")), NotYourSession);
      assert.equal(path.upstream.seen.length, 2);
    });
  });
}

Deno.test("operate() takes a participant's Reject for leaving, whether or not a seat is open", async () => {
  await withProxiedPath(async (path) => {
    await twoAgents(path);
    await operate(path, "agent-1", INVITE);
    await operate(path, "agent-2", REJECT);
    assert.equal(await path.agents(), "agent-1");
    await accept(path, "agent-3");
    assert.equal(await path.agents(), "agent-1, agent-3");
  });
});

// -------------------------------------------------------------------------------------------------- Intrude

Deno.test("intrude() adds the supervisor to a mapped session without asking whose it is", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.watched.forget();
    await path.sessions.intrude(path.call("boss", { operationName: "Intrude" }));
    assert.deepEqual(path.watched.calls, ["applyEffect"]);
    assert.equal(await path.agents(), "agent-1, boss");
    assert.deepEqual((await path.events())[1], [
      "session.participant_added",
      { participant: { agentId: "boss", nickname: "boss" } },
    ]);
    await operate(path, "boss");
  });
});

Deno.test("intrude() adds nobody when upstream refuses, or where there is no mapping", async () => {
  await withProxiedPath(async (path) => {
    await path.sessions.intrude(path.call("boss", { operationName: "Intrude" }));
    assert.equal(await path.agents(), null);
    await accept(path, "agent-1");
    path.say(() => json(5));
    await path.sessions.intrude(path.call("boss", { operationName: "Intrude" }));
    assert.equal(await path.agents(), "agent-1");
  });
});

// ---------------------------------------------------------------------------------------------------- reads

Deno.test("read() forwards for holder and participant, and where there is no mapping", async () => {
  await withProxiedPath(async (path) => {
    await path.sessions.read(reading("agent-9"));
    await twoAgents(path);
    await path.sessions.read(reading("agent-1"));
    await path.sessions.read(reading("agent-2"));
    assert.equal(path.upstream.seen.filter(({ method }) => method === "GET").length, 3);
  });
});

Deno.test("read() refuses another agent's session", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await assert.rejects(path.sessions.read(reading("agent-2")), NotYourSession);
    assert.equal(path.upstream.seen.length, 1);
  });
});

// --------------------------------------------------------------------------------------- ownership in memory

Deno.test("operate() asks the store nothing for a second after it knows, then once beside the operation", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.watched.forget();
    path.clock.advance(999);
    await operate(path, "agent-1");
    assert.deepEqual(path.watched.calls, []);
    path.clock.advance(1);
    await operate(path, "agent-1");
    await operate(path, "agent-1");
    assert.deepEqual(path.watched.calls, ["readSession"]);
    // Two seconds after the first look, which the second has replaced.
    path.clock.advance(999);
    await operate(path, "agent-1");
    assert.deepEqual(path.watched.calls, ["readSession"]);
  });
});

Deno.test("operate() keeps a used mapping alive", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    for (let hours = 0; hours < 40; hours += 20) {
      path.clock.advance(20 * 3_600_000);
      await operate(path, "agent-1");
    }
    assert.equal(await path.agents(), "agent-1");
  });
});

Deno.test("operate() never refuses from memory: a participant let in elsewhere may act at once", async () => {
  await withProxiedPath(async (path) => {
    const elsewhere = path.anotherInstance();
    await accept(path, "agent-1");
    await operate(path, "agent-1", INVITE);
    await operate(path, "agent-1");
    await elsewhere.accept(path.call("agent-2", { operationName: "Accept", nickname: "Bob" }));
    assert.equal((await operate(path, "agent-2")).status, 200);
  });
});

Deno.test("operate() believes for two seconds at most that a session freed elsewhere is still the agent's", async () => {
  await withProxiedPath(async (path) => {
    const elsewhere = path.anotherInstance();
    await accept(path, "agent-1");
    await elsewhere.operate(path.call("agent-1", { operationName: "Transfer", queueName: "q" }));
    await elsewhere.accept(path.call("agent-2", { operationName: "Accept", nickname: "Bob" }));
    assert.equal((await operate(path, "agent-1")).status, 200);
    path.clock.advance(2000);
    await assert.rejects(operate(path, "agent-1"), NotYourSession);
  });
});

Deno.test("operate() forgets whose the session is as soon as an operation changes it", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await operate(path, "agent-1", { operationName: "Transfer", queueName: "q" });
    await accept(path, "agent-2");
    await assert.rejects(operate(path, "agent-1"), NotYourSession);
  });
});
