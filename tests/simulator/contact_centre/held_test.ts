/** Requests to the simulated contact centre that wait until they are let go, and faults that are met more than once. */
import assert from "node:assert/strict";
import { toOperate } from "../../../simulator/contact_centre/fault_presets.ts";
import { ACCEPT, operate, request, send, startWatched, SUCCESS } from "./client.ts";

const ME = "/api/v2/me";

Deno.test("what is held waits without effect until it is released, and then goes on as ever", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  const held = centre.faults.next("hold", { matching: toOperate("Accept") });
  const answer = operate(centre, id, ACCEPT);
  await held.reached;
  assert.deepEqual(centre.sessions[0]?.agents, []);
  assert.equal((await request(centre, "GET", ME)).status, 200);
  held.release();
  assert.deepEqual(await answer, SUCCESS);
  await centre.idle();
  assert.equal(told.length, 3);
});

Deno.test("held after acting it has had its effect, and is told of while its answer waits", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  const held = centre.faults.next("hold", { when: "after-acting" });
  const answer = operate(centre, id, ACCEPT);
  await held.reached;
  await centre.idle();
  assert.equal(told.length, 3);
  held.release();
  assert.deepEqual(await answer, SUCCESS);
});

Deno.test("who gives up while it is held has had no effect", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  const held = centre.faults.next("hold");
  const giveUp = new AbortController();
  const path = `${ME}/smssessions/${id}`;
  const answer = send(centre, "POST", path, { body: ACCEPT, signal: giveUp.signal });
  await held.reached;
  giveUp.abort();
  await assert.rejects(answer, { name: "AbortError" });
  await held.clientAborted;
  held.release();
  await centre.calls.received(1);
  assert.deepEqual(centre.sessions[0]?.agents, []);
});

Deno.test("a plan is met as often as it says, and not once it is dropped", async () => {
  await using watched = await startWatched();
  const { centre } = watched;
  const statuses = async (count: number) => {
    const all: number[] = [];
    for (let n = 0; n < count; n++) all.push((await request(centre, "GET", ME)).status);
    return all;
  };
  const body = { statusCode: 4 };
  centre.faults.next({ kind: "status", status: 503, body }, { times: 2 });
  assert.deepEqual(await statuses(3), [503, 503, 200]);
  const endless = centre.faults.next({ kind: "status", status: 500, body }, { times: Infinity });
  assert.deepEqual(await statuses(3), [500, 500, 500]);
  endless.drop();
  assert.deepEqual(await statuses(1), [200]);
});

Deno.test("over HTTP all that is held is let go at once", async () => {
  await using watched = await startWatched({ control: true });
  const { centre } = watched;
  const control = (path: string, body: object) =>
    fetch(`${centre.url}/control${path}`, { method: "POST", body: JSON.stringify(body) })
      .then((response) => response.json());
  assert.deepEqual(await control("/faults", { fault: "hold", times: 2 }), { done: true });
  const answers = [request(centre, "GET", ME), request(centre, "GET", ME)];
  await centre.requests.received(2);
  assert.equal(centre.calls.items.length, 0);
  assert.deepEqual(await control("/faults/release", {}), { done: true });
  for (const answer of answers) assert.equal((await answer).status, 200);
});
