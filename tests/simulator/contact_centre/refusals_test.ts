/** What the simulated contact centre refuses, and how its refusals look. */
import assert from "node:assert/strict";
import { ACCEPT, type Answer, operate, request, startWatched, SUCCESS } from "./client.ts";

const FOR_CHATTING: readonly ({ readonly operationName: string } & Record<string, unknown>)[] = [
  { operationName: "SendMessage", text: "Hello" },
  { operationName: "SendUrl", url: "https://example.com/" },
  { operationName: "SendToAgents", text: "psst" },
  { operationName: "SendCustomNotice", noticeText: "n" },
  { operationName: "SendStartTypingNotification" },
  { operationName: "AttachUserData", userData: {} },
  { operationName: "DeleteUserData", keys: [] },
  { operationName: "SetDisposition", disposition: "sold" },
  { operationName: "Invite", targetUri: "/users/agent-2" },
  { operationName: "Consult", targetUri: "/users/agent-2" },
  { operationName: "Transfer", targetUri: "/users/agent-2" },
  { operationName: "SetInFocus" },
  { operationName: "Leave" },
  { operationName: "Complete" },
];

function assertRefused({ status, body }: Answer, httpStatus: number, statusCode: number): void {
  assert.deepEqual([status, body.statusCode], [httpStatus, statusCode]);
  assert.deepEqual(Object.keys(body), ["statusCode", "statusMessage"]);
}

for (const body of FOR_CHATTING) {
  for (const state of ["Invited", "Completed"]) {
    Deno.test(`${body.operationName} is refused in ${state} and tells nothing`, async () => {
      await using watched = await startWatched();
      const { centre, id, told } = watched;
      if (state === "Completed") {
        await operate(centre, id, ACCEPT);
        await operate(centre, id, { operationName: "Complete" });
        await centre.idle();
      }
      const before = told.length;
      assertRefused(await operate(centre, id, body), 400, 2);
      await centre.idle();
      assert.equal(told.length, before);
    });
  }

  Deno.test(`${body.operationName} is taken in Chatting`, async () => {
    await using watched = await startWatched();
    const { centre, id } = watched;
    await operate(centre, id, ACCEPT);
    assert.equal((await operate(centre, id, body)).body.statusCode, 0);
  });
}

for (const body of [ACCEPT, { operationName: "Reject" }]) {
  for (const state of ["Chatting", "Completed"]) {
    Deno.test(`${body.operationName} is refused in ${state}`, async () => {
      await using watched = await startWatched();
      const { centre, id } = watched;
      await operate(centre, id, ACCEPT);
      if (state === "Completed") await operate(centre, id, { operationName: "Leave" });
      assertRefused(await operate(centre, id, body), 400, 2);
    });
  }
}

const BAD_BODIES: readonly (readonly [string, unknown, number, number])[] = [
  ["a body without operationName", { nickname: "John Doe" }, 400, 1],
  ["a body that is no object", "Accept", 400, 1],
  ["an unknown operation", { operationName: "Dance" }, 403, 3],
  ["an operation named like a method of every object", { operationName: "toString" }, 403, 3],
  ["Accept without nickname", { operationName: "Accept" }, 400, 1],
  ["Accept with an empty nickname", { operationName: "Accept", nickname: "" }, 400, 10],
  ["Accept with a nickname that is a number", { operationName: "Accept", nickname: 5 }, 400, 10],
];

for (const [what, body, status, statusCode] of BAD_BODIES) {
  Deno.test(`${what} is refused with statusCode ${statusCode}`, async () => {
    await using watched = await startWatched();
    const { centre, id } = watched;
    const path = `/api/v2/me/smssessions/${id}`;
    assertRefused(await request(centre, "POST", path, { body }), status, statusCode);
    assert.deepEqual(await operate(centre, id, ACCEPT), SUCCESS);
  });
}

const INCOMPLETE: readonly ({ readonly operationName: string } & Record<string, unknown>)[] = [
  { operationName: "SendMessage" },
  { operationName: "SendUrl" },
  { operationName: "SendToAgents" },
  { operationName: "SendCustomNotice" },
  { operationName: "SendCustomNoticeToAgents" },
  { operationName: "AttachUserData" },
  { operationName: "UpdateUserData" },
  { operationName: "DeleteUserData" },
  { operationName: "SetDisposition" },
  { operationName: "Consult" },
  { operationName: "Transfer" },
];

for (const body of INCOMPLETE) {
  Deno.test(`${body.operationName} without its parameter is refused with statusCode 1`, async () => {
    await using watched = await startWatched();
    const { centre, id } = watched;
    await operate(centre, id, ACCEPT);
    assertRefused(await operate(centre, id, body), 400, 1);
  });
}

Deno.test("an unknown session and another agent's session are both not found", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  await operate(centre, id, ACCEPT);
  const path = `/api/v2/me/smssessions/${id}`;
  assertRefused(await operate(centre, "nosuchsession000", ACCEPT), 404, 6);
  assertRefused(await operate(centre, id, ACCEPT, "agent-2"), 404, 6);
  assertRefused(await request(centre, "GET", path, { agent: "agent-2" }), 404, 6);
  assertRefused(await request(centre, "GET", `${path}/messages`, { agent: "agent-2" }), 404, 6);
});

Deno.test("what the contact centre does not have is not found", async () => {
  await using watched = await startWatched();
  assertRefused(await request(watched.centre, "GET", "/api/v2/me/calls"), 404, 6);
});

Deno.test("a request without credentials is refused with 401 and statusCode 20", async () => {
  await using watched = await startWatched();
  const refused = await request(watched.centre, "GET", "/api/v2/me", { agent: null });
  assertRefused(refused, 401, 20);
});

Deno.test("refusals can all be HTTP 200, told by the body alone", async () => {
  await using watched = await startWatched({ refusalHttpStatus: "200" });
  assertRefused(await operate(watched.centre, "nosuchsession000", ACCEPT), 200, 6);
});
