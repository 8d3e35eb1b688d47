/** What changes in the simulated contact centre without anybody being told. */
import assert from "node:assert/strict";
import { ACCEPT, operate, request, startWatched } from "./client.ts";

const SESSIONS = "/api/v2/me/smssessions";

Deno.test("what a session shows instead is read and told, and by itself nobody is told of it", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  await centre.idle();
  const before = told.length;
  const nobody: readonly unknown[] = [];
  centre.showInstead(id, { state: "Parked", participants: nobody });
  centre.showInstead(id, { userData: { a: "1" } });
  await centre.idle();
  assert.equal(told.length, before);
  const { body } = await request(centre, "GET", `${SESSIONS}/${id}`);
  const { state, participants, userData } = body.smssession ?? {};
  assert.deepEqual({ state, participants, userData }, {
    state: "Parked",
    participants: nobody,
    userData: { a: "1" },
  });
  const { body: list } = await request(centre, "GET", `${SESSIONS}?fields=*`);
  assert.equal(list.smssessions?.[0]?.state, "Parked");
  await operate(centre, id, { operationName: "AttachUserData", userData: { b: "2" } });
  await centre.idle();
  assert.deepEqual(told.at(-1)?.body.smssession?.userData, { a: "1" });
});

Deno.test("a session that is removed is nobody's any more, and nobody is told", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  await operate(centre, id, ACCEPT);
  await centre.idle();
  const before = told.length;
  centre.removeSession(id);
  await centre.idle();
  assert.equal(told.length, before);
  assert.equal((await request(centre, "GET", `${SESSIONS}/${id}`)).body.statusCode, 6);
  assert.deepEqual((await request(centre, "GET", `${SESSIONS}?fields=*`)).body.smssessions, []);
  assert.throws(() => centre.removeSession(id), /expected one that was added/);
});

Deno.test("both can be done over HTTP", async () => {
  await using watched = await startWatched({ control: true });
  const { centre, id } = watched;
  const post = async (path: string, body: object) => {
    const response = await fetch(`${centre.url}/control/sessions/${id}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  assert.deepEqual(await post("/show-instead", { members: { state: "Parked" } }), {
    status: 200,
    body: { done: true },
  });
  const { body } = await request(centre, "GET", `${SESSIONS}/${id}`);
  assert.equal(body.smssession?.state, "Parked");
  assert.equal((await post("/show-instead", {})).status, 400);
  assert.equal((await post("/remove", {})).status, 200);
  assert.equal((await post("/remove", {})).status, 400);
  assert.deepEqual(centre.sessions, []);
});
