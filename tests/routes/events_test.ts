import assert from "node:assert/strict";
import { eventRoutes } from "../../routes/events.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { draft, POLICY, publish, T0 } from "../support/drafts.ts";
import { appOf, createTestGuards, problemOf } from "./management_app.ts";

async function setUp() {
  const { guards, as } = await createTestGuards();
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  const app = appOf(eventRoutes({ store, guards }));
  const headers = await as("agent-1", "webhooks:read");
  return {
    store,
    as,
    get: (path: string, other = headers) => app.request(path, { headers: other }),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

Deno.test("GET /v1/events/{id} answers the event as it is sent, its numbers as they came", async () => {
  await using world = await setUp();
  const json = '{"notification":{"n":1.0,"big":12345678901234567890}}';
  const [event] = await publish(world.store, [
    draft({ type: "session.notification", sessionId: "S1", data: { kind: "object", json } }),
  ]);
  const answer = await world.get(`/v1/events/${event?.id}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.equal(
    await answer.text(),
    `{"type":"session.notification","timestamp":"${new Date(T0).toISOString()}",` +
      `"data":{"eventId":"${event?.id}","sessionId":"S1","sequence":1,"agentId":null,` +
      `"notification":{"n":1.0,"big":12345678901234567890}}}`,
  );
});

const LISTS: [string, number[]][] = [
  ["", [1, 2, 3, 4]],
  ["?session=S1", [1, 2, 4]],
  ["?type=session.released", [2, 3]],
  ["?session=S1&type=session.released", [2]],
  ["?session=none", []],
  ["?type=no.such", []],
];

for (const [query, numbers] of LISTS) {
  Deno.test(`GET /v1/events${query} lists the matching events in order`, async () => {
    await using world = await setUp();
    const events = await publish(world.store, [
      draft({ sessionId: "S1" }),
      draft({ sessionId: "S1", type: "session.released" }),
      draft({ sessionId: "S2", type: "session.released" }),
      draft({ sessionId: "S1", type: "session.accepted" }),
    ]);
    const answer = await world.get(`/v1/events${query}`);
    assert.equal(answer.status, 200);
    const { data, nextCursor } = await answer.json();
    assert.deepEqual(
      data.map((event: { data: { eventId: string } }) => event.data.eventId),
      numbers.map((number) => events[number - 1]?.id),
    );
    assert.equal(nextCursor, null);
  });
}

Deno.test("GET /v1/events pages without losing or repeating anything", async () => {
  await using world = await setUp();
  const events = await publish(world.store, Array.from({ length: 5 }, () => draft()));
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `&cursor=${cursor}`;
    const page = await (await world.get(`/v1/events?session=S1&limit=2${query}`)).json();
    seen.push(...page.data.map((event: { data: { eventId: string } }) => event.data.eventId));
    cursor = page.nextCursor;
  } while (cursor !== null);
  assert.deepEqual(seen, events.map(({ id }) => id));
});

Deno.test("GET /v1/events/{id} of nothing answers 404", async () => {
  await using world = await setUp();
  const answer = await world.get("/v1/events/evt_none");
  assert.equal(answer.status, 404);
  assert.equal((await problemOf(answer)).code, "not-found");
});

for (const path of ["/v1/events", "/v1/events/evt_none"]) {
  Deno.test(`GET ${path} needs webhooks:read`, async () => {
    await using world = await setUp();
    const answer = await world.get(path, await world.as("agent-1", "webhooks:write"));
    assert.equal(answer.status, 403);
    assert.equal((await problemOf(answer)).code, "insufficient-scope");
  });
}

for (const query of ["limit=101", "cursor=*", "session=", "type="]) {
  Deno.test(`GET /v1/events?${query} is an invalid parameter`, async () => {
    await using world = await setUp();
    const answer = await world.get(`/v1/events?${query}`);
    assert.equal(answer.status, 400);
    assert.equal((await problemOf(answer)).code, "invalid-parameter");
  });
}
