import assert from "node:assert/strict";
import {
  agentText,
  newMessages,
  seed,
  SEED_SESSION,
  seedNotifications,
  statusChange,
} from "./notifications.ts";
import { readEvent, readEvents, readSession, readSessions } from "./shapes.ts";
import { it, type Sentence } from "./sentence.ts";
import { statusZero } from "../support/scripted_upstream.ts";
import { assertAccepted, assertSigned, told } from "./webhook_assertions.ts";

const ONE = { accepted: 1, duplicates: 0 };

/** Accept as documented, the three notifications that follow it, and what is read of them afterwards. */
export const ACCEPT_STORY: readonly Sentence[] = [
  it("the documented Accept and its notifications come through, mapped, numbered and signed", async (world) => {
    const consumer = await world.consumer();
    const agent = await world.agent("agent-1");
    const request = await seed("accept_request");
    const response = await seed("accept_response");
    world.upstream.answer(
      SEED_SESSION,
      () =>
        new Response(response, { headers: { "content-type": "application/json;charset=UTF-8" } }),
    );

    const path = `/api/v2/me/smssessions/${SEED_SESSION}`;
    const answer = await agent.send(path, { body: request });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, response);
    assert.equal(answer.headers.get("content-type"), "application/json;charset=UTF-8");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    const [forwarded, ...more] = world.upstream.about(SEED_SESSION);
    assert.equal(more.length, 0);
    assert.equal(forwarded?.method, "POST");
    assert.equal(forwarded?.target, path);
    assert.equal(forwarded?.text, request);
    assert.equal(forwarded?.headers.get("authorization"), `Bearer ${agent.token}`);

    const mapped = readSession((await agent.get(`/v1/sessions/${SEED_SESSION}`)).json());
    const { acceptedAt, updatedAt, ...rest } = mapped;
    assert.ok(Math.abs(Date.parse(acceptedAt) - Date.now()) < 60_000);
    assert.ok(updatedAt >= acceptedAt);
    assert.deepEqual(rest, {
      id: SEED_SESSION,
      agentId: "agent-1",
      nickname: "John Doe",
      participants: [],
      state: "accepted",
      sequence: 1,
      customer: null,
    });

    const notifications = await seedNotifications();
    for (const notification of notifications) {
      assertAccepted(await world.notify(notification), { accepted: 1, duplicates: 0 });
      assertAccepted(await world.notify(notification), { accepted: 0, duplicates: 1 });
    }
    assert.equal(
      readSession((await agent.get(`/v1/sessions/${SEED_SESSION}`)).json()).state,
      "Chatting",
    );

    await consumer.received(SEED_SESSION, "session.messages_added");
    const events = told(consumer, SEED_SESSION);
    assert.deepEqual(events.map(({ type, data }) => [data.sequence, type, data.agentId]), [
      [1, "session.accepted", "agent-1"],
      [2, "session.status_changed", "agent-1"],
      [3, "session.participants_updated", "agent-1"],
      [4, "session.messages_added", "agent-1"],
    ]);
    assert.equal(events[0]?.data.nickname, "John Doe");
    assert.ok(!("notification" in (events[0]?.data ?? {})));
    assert.deepEqual(
      events.slice(1).map(({ data }) => data.notification),
      notifications.map((text) => JSON.parse(text)),
    );
    await assertSigned(consumer);

    const listed = readEvents((await world.admin.get(`/v1/events?session=${SEED_SESSION}`)).json());
    const bySequence = listed.data.toSorted((a, b) =>
      Number(a.data.sequence) - Number(b.data.sequence)
    );
    assert.deepEqual(bySequence, events);
    for (const event of events) {
      const one = await world.admin.get(`/v1/events/${event.data.eventId}`);
      assert.deepEqual(readEvent(one.json()), event);
    }
  }),

  it("a state that comes while the Accept is under way is the session's from the start", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    assertAccepted(await world.notify(statusChange(session, "Invited")), ONE);
    world.upstream.answer(session, async () => {
      assertAccepted(await world.notify(statusChange(session, "Chatting")), ONE);
      return statusZero();
    });
    assert.equal((await agent.accept(session)).status, 200);
    const mapped = readSession((await agent.get(`/v1/sessions/${session}`)).json());
    assert.equal(mapped.state, "Chatting");
  }),

  it("only what may cross to the contact centre crosses, in either direction", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    world.upstream.answer(session, () =>
      Response.json({ statusCode: 0 }, {
        headers: {
          "set-cookie": "JSESSIONID=1",
          "x-internal": "1",
          "retry-after": "3",
          server: "Jetty",
        },
      }));
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const answer = await agent.send(`/api/v2/me/smssessions/${session}`, {
      json: { operationName: "Accept", nickname: "Ada" },
      headers: {
        traceparent,
        cookie: "a=b",
        "x-internal": "1",
        "x-forwarded-for": "203.0.113.9",
        "accept-language": "ga",
      },
    });
    assert.equal(answer.headers.get("set-cookie"), null);
    assert.equal(answer.headers.get("x-internal"), null);
    assert.equal(answer.headers.get("server"), null);
    assert.equal(answer.headers.get("retry-after"), "3");

    const { headers } = await world.upstream.asked(session);
    assert.equal(headers.get("cookie"), null);
    assert.equal(headers.get("x-internal"), null);
    assert.equal(headers.get("accept-language"), "ga");
    // A tracer may put a span of its own into it, the trace stays the same.
    assert.match(headers.get("traceparent") ?? "", /^00-0af7651916cd43dd8448eb211c80319c-/);
    assert.equal(headers.get("x-forwarded-for"), "127.0.0.1");
    assert.equal(headers.get("x-forwarded-proto"), "http");
    assert.ok(headers.get("x-forwarded-host"));
    assert.ok(headers.get("via"));
    assert.equal(headers.get("x-request-id"), answer.headers.get("x-request-id"));
  }),

  it("what the contact centre refuses comes back as it is, and the session stays free", async (world) => {
    const session = world.freshSession();
    const [first, second] = [await world.agent("agent-1"), await world.agent("agent-2")];
    const refusal = `{ "statusCode" : 6,\n "statusMessage": "not here" }`;
    world.upstream.answer(session, () => new Response(refusal, { status: 404 }));
    const refused = await first.accept(session);
    assert.equal(refused.status, 404);
    assert.equal(refused.text, refusal);
    assert.equal((await first.get(`/v1/sessions/${session}`)).status, 404);

    world.upstream.answer(session, () => Response.json({ statusCode: 2, statusMessage: "no" }));
    assert.deepEqual((await second.accept(session)).json(), { statusCode: 2, statusMessage: "no" });
    world.upstream.answer(session, () => Response.json({ statusCode: 0 }));
    assert.equal((await first.accept(session)).status, 200);
    assert.equal(
      readSession((await first.get(`/v1/sessions/${session}`)).json()).agentId,
      "agent-1",
    );
  }),

  it("the holder's second Accept is forwarded again and publishes nothing", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer({ eventTypes: ["session.*"] });
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    await agent.accept(session);
    assert.equal(world.upstream.about(session).length, 2);
    await world.notify(statusChange(session, "Chatting"));
    await consumer.received(session, "session.status_changed", 2);
    assert.equal(told(consumer, session).length, 2);
  }),

  it("an agent reads its own sessions, a supervisor all, page by page", async (world) => {
    const [one, two] = [await world.agent("reader-1"), await world.agent("reader-2")];
    const own = [world.freshSession(), world.freshSession(), world.freshSession()];
    for (const session of own) await one.accept(session);
    const others = world.freshSession();
    await two.accept(others);

    const ids: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const from: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = readSessions((await one.get(`/v1/sessions?limit=2${from}`)).json());
      assert.ok(page.data.length <= 2);
      ids.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    assert.deepEqual(ids.toSorted(), own);
    assert.equal((await one.get(`/v1/sessions/${others}`)).status, 404);
    assert.equal((await world.admin.get(`/v1/sessions/${others}`)).status, 200);
    const seen = readSessions((await world.admin.get("/v1/sessions?agent=reader-2")).json());
    assert.deepEqual(seen.data.map(({ id }) => id), [others]);
  }),

  it("notifications come as an array and in CometD's framing too, all or none of them counted twice", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    const consumer = await world.consumer();
    await agent.accept(session);
    const [first, second] = [agentText(1, "one"), agentText(2, "two")];
    assertAccepted(
      await world.notify([statusChange(session, "Chatting"), newMessages(session, first)]),
      {
        accepted: 2,
        duplicates: 0,
      },
    );
    const framed = { channel: "/v2/me/smssessions", data: newMessages(session, first, second) };
    assertAccepted(await world.notify(framed), { accepted: 1, duplicates: 0 });
    assertAccepted(await world.notify([framed, statusChange(session, "Chatting")]), {
      accepted: 0,
      duplicates: 2,
    });
    const { event } = await consumer.received(session, "session.messages_added", 4);
    assert.deepEqual(event.data.notification, newMessages(session, second));
  }),

  it("a state that comes back is news, and numbers keep all their digits", async (world) => {
    const session = world.freshSession();
    const consumer = await world.consumer();
    const states = ["Chatting", "LeftChat", "Chatting"].map((state) =>
      statusChange(session, state)
    );
    assertAccepted(await world.notify(states), { accepted: 3, duplicates: 0 });
    const exact = `{"notificationType":"PropertiesUpdated","smssession":{"id":"${session}",` +
      `"userData":{"big":12345678901234567890,"precise":1.50,"none":null}}}`;
    assertAccepted(await world.notify(exact), { accepted: 1, duplicates: 0 });
    assertAccepted(await world.notify({ notificationType: "Error", smssession: { id: session } }), {
      accepted: 1,
      duplicates: 0,
    });
    assertAccepted(
      await world.notify({ notificationType: "Unheard", smssession: { id: session } }),
      {
        accepted: 1,
        duplicates: 0,
      },
    );
    await consumer.received(session, "session.notification", 6);
    const types = told(consumer, session).map((
      { type, data },
    ) => [data.sequence, type, data.agentId]);
    assert.deepEqual(types, [
      [1, "session.status_changed", null],
      [2, "session.status_changed", null],
      [3, "session.status_changed", null],
      [4, "session.properties_updated", null],
      [5, "session.operation_failed", null],
      [6, "session.notification", null],
    ]);
    const { text } = await consumer.received(session, "session.properties_updated");
    assert.match(text, /"big":\s*12345678901234567890,\s*"precise":\s*1\.50/);
  }),
];
