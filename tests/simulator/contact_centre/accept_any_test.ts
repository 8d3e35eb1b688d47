/** A simulated contact centre where every Accept is let in. */
import assert from "node:assert/strict";
import { ACCEPT, inShortByAgent, operate, request, startWatched, SUCCESS } from "./client.ts";

const TEXT = { operationName: "SendMessage", text: "Hi" };

Deno.test("unless told otherwise an Accept of a session that nobody added is refused", async () => {
  await using watched = await startWatched();
  assert.equal((await operate(watched.centre, "S9", ACCEPT)).body.statusCode, 6);
});

Deno.test("where every Accept is let in, the session appears with it, and is told of as ever", async () => {
  await using watched = await startWatched({ acceptsAny: true });
  const { centre, told } = watched;
  assert.equal((await operate(centre, "S9", TEXT)).body.statusCode, 6);
  assert.deepEqual(await operate(centre, "S9", ACCEPT), SUCCESS);
  await centre.idle();
  assert.deepEqual(inShortByAgent(told), [
    "agent-1: StatusChange Chatting",
    "agent-1: ParticipantsUpdated Chatting",
    "agent-1: NewMessages",
  ]);
  assert.deepEqual(await operate(centre, "S9", TEXT), SUCCESS);
  const { body } = await request(centre, "GET", "/api/v2/me/smssessions/S9");
  assert.equal(body.smssession?.state, "Chatting");
});

Deno.test("there a session that is over begins anew, and whoever is in one stays in it", async () => {
  await using watched = await startWatched({ acceptsAny: true });
  const { centre, id } = watched;
  for (const agent of ["agent-1", "agent-2", "agent-1"]) {
    assert.deepEqual(await operate(centre, id, ACCEPT, agent), SUCCESS);
  }
  for (const agent of ["agent-1", "agent-2"]) {
    assert.deepEqual(await operate(centre, id, TEXT, agent), SUCCESS);
  }
  assert.deepEqual(await operate(centre, id, { operationName: "Complete" }), SUCCESS);
  assert.equal((await operate(centre, id, TEXT)).body.statusCode, 2);
  assert.deepEqual(await operate(centre, id, ACCEPT, "agent-3"), SUCCESS);
  assert.deepEqual(await operate(centre, id, TEXT, "agent-3"), SUCCESS);
  assert.equal((await operate(centre, id, TEXT)).body.statusCode, 2);
});
