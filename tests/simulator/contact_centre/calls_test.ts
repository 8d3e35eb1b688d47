/** The simulated contact centre's log of calls: who asked for what, and how it was answered. */
import assert from "node:assert/strict";
import type { Call } from "../../../simulator/contact_centre/call_log.ts";
import { awaitCalls } from "../../../simulator/contact_centre/control_calls.ts";
import { startContactCentre } from "../../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";
import { createInbox } from "../../../simulator/kit/inbox.ts";
import { ACCEPT, operate, request, send, startWatched } from "./client.ts";

const ME = "/api/v2/me";
const CONNECT = `${ME.replace("/me", "")}/notifications/connect`;

function inShort({ calls }: ContactCentre): string[] {
  return calls.items.map(({ agentId, method, operations, status }) =>
    `${agentId} ${method} ${operations.join("+")} ${status}`
  );
}

async function discard(answer: Promise<Response>): Promise<void> {
  await (await answer).body?.cancel();
}

Deno.test("each call is logged with its agent, its operations and its status, refused ones too", async () => {
  await using watched = await startWatched({ agents: [{ agentId: "agent-1" }] });
  const { centre, id } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Reject" });
  await request(centre, "GET", ME);
  await operate(centre, id, ACCEPT, "agent-2");
  await discard(send(centre, "GET", ME, { agent: null }));
  assert.deepEqual(inShort(centre), [
    "agent-1 POST Accept 200",
    "agent-1 POST Reject 400",
    "agent-1 GET  200",
    "agent-2 POST Accept 401",
    "null GET  401",
  ]);
  assert.equal(centre.calls.items[0]?.path, `${ME}/smssessions/${id}`);
  assert.equal(centre.calls.items[0]?.body, JSON.stringify(ACCEPT));
});

Deno.test("whom a cookie names is known, and so is each message of a CometD request", async () => {
  await using centre = await startContactCentre();
  const first = await send(centre, "GET", ME);
  await first.body?.cancel();
  const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
  const messages = [{ channel: "/meta/connect" }, { channel: "/meta/subscribe" }];
  await discard(
    fetch(centre.url + CONNECT, {
      method: "POST",
      headers: { cookie },
      body: JSON.stringify(messages),
    }),
  );
  assert.equal(inShort(centre).at(-1), "agent-1 POST /meta/connect+/meta/subscribe 200");
});

Deno.test("a call that a fault answered has the fault's status, one that got no answer has none", async () => {
  await using centre = await startContactCentre();
  centre.faults.next("html");
  await discard(send(centre, "GET", ME));
  const { reached } = centre.faults.next("hang");
  const giveUp = new AbortController();
  const hanging = send(centre, "GET", ME, { signal: giveUp.signal });
  await reached;
  giveUp.abort();
  await assert.rejects(hanging);
  await centre.calls.received(2);
  centre.faults.next("reset");
  await assert.rejects(send(centre, "POST", ME, { body: {} }));
  await centre.calls.received(3);
  assert.deepEqual(inShort(centre), [
    "agent-1 GET  502",
    "agent-1 GET  null",
    "agent-1 POST  null",
  ]);
});

Deno.test("over HTTP calls can be picked and waited for, and are shown without their secrets", async () => {
  await using watched = await startWatched({ control: true });
  const { centre, id } = watched;
  const ask = async (query: string) => {
    const response = await fetch(`${centre.url}/control/calls?${query}`);
    return { status: response.status, body: await response.json() };
  };
  await operate(centre, id, ACCEPT);
  await operate(centre, id, ACCEPT, "agent-2");
  const call = {
    agentId: "agent-1",
    method: "POST",
    path: `${ME}/smssessions/${id}`,
    operations: ["Accept"],
    status: 200,
  };
  const refused = { ...call, agentId: "agent-2", status: 404 };
  assert.deepEqual(await ask("operation=Accept"), {
    status: 200,
    body: { calls: [call, refused] },
  });
  for (const query of ["agentId=agent-2", "status=404", `path=${id}&status=404`]) {
    assert.deepEqual((await ask(query)).body, { calls: [refused] }, query);
  }
  assert.deepEqual((await ask("operation=Leave")).body, { calls: [] });

  const waiting = ask("operation=Leave&atLeast=1&withinMs=20000");
  await operate(centre, id, { operationName: "Leave" });
  assert.deepEqual((await waiting).body, { calls: [{ ...call, operations: ["Leave"] }] });
  assert.deepEqual((await ask("operation=Leave&atLeast=2&withinMs=20")).body.calls.length, 1);
  for (const query of ["atLeast=many", "withinMs=-1", "status=20", "agentId="]) {
    assert.equal((await ask(query)).status, 400, query);
  }
});

Deno.test("whoever waits for calls is let go when no more can come", async () => {
  const calls = createInbox<Call>("call");
  const waiting = awaitCalls(calls, { atLeast: 1, withinMs: 600_000 });
  calls.close();
  assert.deepEqual(await waiting, []);
});
