import assert from "node:assert/strict";
import { composePublisher } from "../../composition/publisher.ts";
import { createManagedSessions } from "../../services/sessions/managed_sessions.ts";
import { sessionRoutes } from "../../routes/sessions.ts";
import { createPhoneNumbers } from "../../services/sms/phone.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { draft, POLICY, publish } from "../support/drafts.ts";
import { createIds } from "../../services/support/ids.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { appOf, createTestGuards, problemOf } from "./management_app.ts";

const SESSION_ID = "0000Na9B26EF002X";

async function setUp() {
  const { clock, guards, as } = await createTestGuards();
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  const log = createMemoryLog();
  const publisher = composePublisher({
    store,
    clock,
    ids: createIds(),
    log,
    smsEnabled: false,
    onPublished: () => {},
  });
  const app = appOf(
    sessionRoutes({
      managedSessions: createManagedSessions({ store, publisher, clock, log }),
      guards,
      numbers: createPhoneNumbers({ defaultCountry: null }),
    }),
  );

  async function accept(
    sessionId: string,
    agentId: string,
    role: "holder" | "participant" = "holder",
  ) {
    const nowMs = clock.now();
    await store.claimSession({
      sessionId,
      agentId,
      token: "t",
      nowMs,
      untilMs: nowMs + 60_000,
    });
    const { version } = await store.listWebhooks();
    const confirmed = await store.confirmSession(
      {
        sessionId,
        agentId,
        nickname: `nick ${agentId}`,
        nowMs,
        acceptedUpstreamMs: nowMs,
        as: role,
      },
      draft({ type: "session.accepted", sessionId, occurredAtMs: nowMs }),
      version,
    );
    assert.equal(confirmed.outcome, "confirmed");
  }

  return {
    clock,
    as,
    store,
    log,
    accept,
    async invite(sessionId: string, by: string, guest: string) {
      const nowMs = clock.now();
      await store.applyEffect(
        {
          sessionId,
          agentId: by,
          nowMs,
          effect: { kind: "open-seat", untilMs: nowMs + 300_000 },
        },
        null,
        0,
      );
      await accept(sessionId, guest, "participant");
    },
    get: (path: string, headers: Record<string, string>) => app.request(path, { headers }),
    put: (path: string, body: unknown, headers: Record<string, string>) =>
      app.request(path, { method: "PUT", body: JSON.stringify(body), headers }),
    expunge: (sessionId: string, headers: Record<string, string>) =>
      app.request(`/v1/sessions/${sessionId}/expunge`, { method: "POST", headers }),
    release: (sessionId: string, headers: Record<string, string>) =>
      app.request(`/v1/sessions/${sessionId}`, { method: "DELETE", headers }),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

Deno.test("GET /v1/sessions/{id} answers the session as the contract shows it", async () => {
  await using world = await setUp();
  await world.accept(SESSION_ID, "agent-1");
  const headers = await world.as("agent-1", "sessions:read");
  const answer = await world.get(`/v1/sessions/${SESSION_ID}`, headers);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), {
    id: SESSION_ID,
    agentId: "agent-1",
    nickname: "nick agent-1",
    participants: [],
    state: "accepted",
    acceptedAt: "2026-11-22T10:00:00.000Z",
    updatedAt: "2026-11-22T10:00:00.000Z",
    sequence: 1,
    customer: null,
  });
});

Deno.test("GET /v1/sessions/{id} names the participants and masks the customer's number", async () => {
  await using world = await setUp();
  await world.accept(SESSION_ID, "agent-1");
  await world.invite(SESSION_ID, "agent-1", "agent-2");
  await world.store.setCustomer({
    sessionId: SESSION_ID,
    customer: { phone: "+16502530123", sender: "+16502530999" },
    nowMs: world.clock.now(),
  });
  const headers = await world.as("agent-1", "sessions:read");
  const session = await (await world.get(`/v1/sessions/${SESSION_ID}`, headers)).json();
  assert.deepEqual(session.participants, [{ agentId: "agent-2", nickname: "nick agent-2" }]);
  assert.deepEqual(session.customer, { phone: "…0123" });
});

const READERS: [string, string, string[], number][] = [
  ["the holder", "agent-1", ["sessions:read"], 200],
  ["a participant", "agent-2", ["sessions:read"], 200],
  ["another agent", "agent-3", ["sessions:read"], 404],
  ["a supervisor", "agent-3", ["sessions:read", "sms:supervise"], 200],
  ["a supervisor without sessions:read", "agent-3", ["sms:supervise"], 403],
];

for (const [who, agentId, scopes, status] of READERS) {
  Deno.test(`GET /v1/sessions/{id} answers ${status} to ${who}`, async () => {
    await using world = await setUp();
    await world.accept(SESSION_ID, "agent-1");
    await world.invite(SESSION_ID, "agent-1", "agent-2");
    const headers = await world.as(agentId, ...scopes);
    const answer = await world.get(`/v1/sessions/${SESSION_ID}`, headers);
    assert.equal(answer.status, status);
    await answer.body?.cancel();
  });
}

Deno.test("another agent's session and one that does not exist read alike", async () => {
  await using world = await setUp();
  await world.accept(SESSION_ID, "agent-1");
  const headers = await world.as("agent-3", "sessions:read");
  const [hidden, absent] = await Promise.all(
    [SESSION_ID, "nothing"].map(async (id) =>
      await (await world.get(`/v1/sessions/${id}`, headers)).json()
    ),
  );
  assert.deepEqual(hidden, absent);
});

const LISTS: [string, string, string[], string[]][] = [
  ["an agent its own", "", ["sessions:read"], ["A", "C"]],
  ["an agent that names itself its own", "?agent=agent-1", ["sessions:read"], ["A", "C"]],
  ["a supervisor all", "", ["sessions:read", "sms:supervise"], ["A", "B", "C"]],
  ["a supervisor one agent's", "?agent=agent-2", ["sessions:read", "sms:supervise"], ["B"]],
  ["a supervisor nothing of a stranger", "?agent=x", ["sessions:read", "sms:supervise"], []],
];

for (const [what, query, scopes, ids] of LISTS) {
  Deno.test(`GET /v1/sessions lists ${what}`, async () => {
    await using world = await setUp();
    for (const [id, agentId] of [["A", "agent-1"], ["B", "agent-2"], ["C", "agent-1"]] as const) {
      await world.accept(id, agentId);
    }
    const answer = await world.get(
      `/v1/sessions${query}`,
      await world.as("agent-1", ...scopes),
    );
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/json");
    const { data, nextCursor } = await answer.json();
    assert.deepEqual(data.map(({ id }: { id: string }) => id), ids);
    assert.equal(nextCursor, null);
  });
}

Deno.test("GET /v1/sessions?agent= of somebody else needs sms:supervise", async () => {
  await using world = await setUp();
  const answer = await world.get(
    "/v1/sessions?agent=agent-2",
    await world.as("agent-1", "sessions:read"),
  );
  assert.equal(answer.status, 403);
  assert.match(answer.headers.get("www-authenticate") ?? "", /scope="sms:supervise"/);
  assert.equal((await problemOf(answer)).code, "insufficient-scope");
});

Deno.test("GET /v1/sessions leads page by page through all of them", async () => {
  await using world = await setUp();
  for (const id of ["A", "B", "C"]) await world.accept(id, "agent-1");
  const headers = await world.as("agent-1", "sessions:read");
  const first = await (await world.get("/v1/sessions?limit=2", headers)).json();
  assert.equal(first.data.length, 2);
  const rest = await world.get(`/v1/sessions?limit=2&cursor=${first.nextCursor}`, headers);
  const { data, nextCursor } = await rest.json();
  assert.deepEqual(data.map(({ id }: { id: string }) => id), ["C"]);
  assert.equal(nextCursor, null);
});

for (const query of ["limit=0", "cursor=%21", "agent="]) {
  Deno.test(`GET /v1/sessions?${query} is an invalid parameter`, async () => {
    await using world = await setUp();
    const headers = await world.as("agent-1", "sessions:read");
    const answer = await world.get(`/v1/sessions?${query}`, headers);
    assert.equal(answer.status, 400);
    assert.equal((await problemOf(answer)).code, "invalid-parameter");
  });
}

const CUSTOMERS: [unknown, { phone: string; sender: string | null }][] = [
  [{ phone: "+1 650-253-0000" }, { phone: "+16502530000", sender: null }],
  [{ phone: "16502530000", sender: null }, { phone: "+16502530000", sender: null }],
  [
    { phone: "+16502530000", sender: "+1 650 253 0001" },
    { phone: "+16502530000", sender: "+16502530001" },
  ],
  [{ phone: "+16502530000", sender: "12345" }, { phone: "+16502530000", sender: "12345" }],
];

for (const [body, customer] of CUSTOMERS) {
  Deno.test(`PUT …/customer keeps ${JSON.stringify(body)} in E.164 and shows it masked`, async () => {
    await using world = await setUp();
    await world.accept(SESSION_ID, "agent-1");
    const headers = await world.as("agent-1", "sessions:write");
    const answer = await world.put(`/v1/sessions/${SESSION_ID}/customer`, body, headers);
    assert.equal(answer.status, 200);
    assert.deepEqual((await answer.json()).customer, { phone: "…0000" });
    const kept = await world.store.readSession(SESSION_ID, {
      nowMs: world.clock.now(),
      slide: false,
    });
    assert.deepEqual(kept?.customer, customer);
  });
}

const BAD_CUSTOMERS: [unknown, string, RegExp][] = [
  [[], "invalid-body", /JSON object/],
  ["+16502530000", "invalid-body", /JSON object/],
  [{}, "invalid-parameter", /use phone/],
  [{ phone: null }, "invalid-parameter", /use phone/],
  [{ phone: 16502530000 }, "invalid-parameter", /use phone/],
  [{ phone: "650 253 0000" }, "invalid-parameter", /use phone/],
  [{ phone: "+1" }, "invalid-parameter", /use phone/],
  [{ phone: `+1650${" ".repeat(100)}2530000` }, "invalid-parameter", /use phone/],
  [{ phone: "+16502530000", sender: "x" }, "invalid-parameter", /use sender/],
  [{ phone: "+16502530000", sender: 5 }, "invalid-parameter", /use sender/],
];

for (const [body, code, detail] of BAD_CUSTOMERS) {
  Deno.test(`PUT …/customer answers ${code} to ${JSON.stringify(body).slice(0, 60)}`, async () => {
    await using world = await setUp();
    await world.accept(SESSION_ID, "agent-1");
    const headers = await world.as("agent-1", "sessions:write");
    const answer = await world.put(`/v1/sessions/${SESSION_ID}/customer`, body, headers);
    assert.equal(answer.status, 400);
    const problem = await problemOf(answer);
    assert.equal(problem.code, code);
    assert.match(problem.detail, detail);
    assert.doesNotMatch(problem.detail, /650/);
  });
}

const WRITERS: [string, string, string[], number][] = [
  ["the holder", "agent-1", ["sessions:write"], 200],
  ["a reader", "agent-1", ["sessions:read"], 403],
  ["an integration", "crm", ["sessions:write"], 200],
  ["another agent", "agent-3", ["sessions:write", "sms:operate"], 404],
  [
    "a supervisor who may write",
    "agent-3",
    ["sessions:write", "sms:operate", "sms:supervise"],
    200,
  ],
  ["a supervisor", "agent-3", ["sms:supervise"], 403],
];

for (const [who, agentId, scopes, status] of WRITERS) {
  Deno.test(`PUT …/customer answers ${status} to ${who}`, async () => {
    await using world = await setUp();
    await world.accept(SESSION_ID, "agent-1");
    const answer = await world.put(
      `/v1/sessions/${SESSION_ID}/customer`,
      { phone: "+16502530000" },
      await world.as(agentId, ...scopes),
    );
    assert.equal(answer.status, status);
    await answer.body?.cancel();
  });
}

Deno.test("PUT …/customer of a session that is not mapped answers 404", async () => {
  await using world = await setUp();
  const headers = await world.as("agent-1", "sessions:write", "sms:supervise");
  const answer = await world.put("/v1/sessions/none/customer", { phone: "+16502530000" }, headers);
  assert.equal(answer.status, 404);
  assert.equal((await problemOf(answer)).code, "not-found");
});

Deno.test("DELETE /v1/sessions/{id} ends the mapping for all in it, and says in event and log who did it", async () => {
  await using world = await setUp();
  await world.accept(SESSION_ID, "agent-1");
  await world.invite(SESSION_ID, "agent-1", "agent-2");
  const supervisor = await world.as("boss", "sms:supervise");
  const answer = await world.release(SESSION_ID, supervisor);
  assert.deepEqual([answer.status, await answer.text()], [204, ""]);
  const nowMs = world.clock.now();
  assert.equal(await world.store.readSession(SESSION_ID, { nowMs, slide: false }), null);
  const { items } = await world.store.listEvents({ limit: 9, type: "session.released" });
  assert.deepEqual(
    items.map(({ agentId, dataJson }) => [agentId, JSON.parse(dataJson)]),
    [["agent-1", { reason: "released", by: "boss" }]],
  );
  assert.deepEqual(world.log.of("session.released").map(({ fields }) => fields), [
    { sessionId: SESSION_ID, agentId: "boss" },
  ]);
  assert.equal((await world.release(SESSION_ID, supervisor)).status, 404);
});

Deno.test("DELETE /v1/sessions/{id} ends a mere claim, of which no event tells", async () => {
  await using world = await setUp();
  const nowMs = world.clock.now();
  const claim = { sessionId: SESSION_ID, token: "t", nowMs, untilMs: nowMs + 60_000 };
  await world.store.claimSession({ ...claim, agentId: "agent-1" });
  const answer = await world.release(SESSION_ID, await world.as("boss", "sms:supervise"));
  assert.equal(answer.status, 204);
  assert.deepEqual((await world.store.listEvents({ limit: 9 })).items, []);
  const next = await world.store.claimSession({ ...claim, agentId: "agent-2" });
  assert.equal(next.outcome, "claimed");
});

for (const scopes of [["sessions:read"], ["sessions:write", "sms:operate"]]) {
  Deno.test(`DELETE /v1/sessions/{id} is refused to ${scopes}`, async () => {
    await using world = await setUp();
    await world.accept(SESSION_ID, "agent-1");
    const answer = await world.release(SESSION_ID, await world.as("agent-1", ...scopes));
    assert.equal((await problemOf(answer)).code, "insufficient-scope");
  });
}

Deno.test("POST /v1/sessions/{id}/expunge empties what is kept of it and says of how many events", async () => {
  await using world = await setUp();
  await world.accept(SESSION_ID, "agent-1");
  await world.accept("0000Na9B26EF003Y", "agent-1");
  const headers = await world.as("an integration", "sessions:write");
  await world.put(`/v1/sessions/${SESSION_ID}/customer`, { phone: "+14155550123" }, headers);
  const data = { kind: "object", json: '{"text":"my card is lost"}' } as const;
  await publish(world.store, [
    draft({ sessionId: SESSION_ID, data }),
    draft({ sessionId: "0000Na9B26EF003Y", data }),
  ]);

  const answer = await world.expunge(SESSION_ID, headers);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { id: SESSION_ID, events: 2 });

  const { items } = await world.store.listEvents({ limit: 10 });
  const texts = items.filter(({ dataJson }) => dataJson.includes("my card"));
  assert.deepEqual(texts.map(({ sessionId }) => sessionId), ["0000Na9B26EF003Y"]);
  const reader = await world.as("agent-1", "sessions:read");
  const session = await (await world.get(`/v1/sessions/${SESSION_ID}`, reader)).json();
  assert.equal(session.customer, null);
  assert.deepEqual(world.log.of("session.expunged").map(({ fields }) => fields), [
    { sessionId: SESSION_ID, events: 2, agentId: "an integration" },
  ]);
});

Deno.test("POST /v1/sessions/{id}/expunge is 404 where nothing is kept, and logs nothing", async () => {
  await using world = await setUp();
  const answer = await world.expunge(SESSION_ID, await world.as("agent-1", "sessions:write"));
  assert.equal(answer.status, 404);
  assert.equal((await problemOf(answer)).code, "not-found");
  assert.deepEqual(world.log.entries, []);
});

Deno.test("POST /v1/sessions/{id}/expunge needs sessions:write", async () => {
  await using world = await setUp();
  await world.accept(SESSION_ID, "agent-1");
  const headers = await world.as("agent-1", "sessions:read", "sms:supervise");
  const answer = await world.expunge(SESSION_ID, headers);
  assert.equal((await problemOf(answer)).code, "insufficient-scope");
});
