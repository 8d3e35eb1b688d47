/** The simulated contact centre's CometD, message by message: handshakes, held connects, advice, cookies. */
import assert from "node:assert/strict";
import * as v from "valibot";
import {
  CONNECT,
  exchange,
  FIRST_CONNECT,
  HANDSHAKE,
  held,
  replySchema,
  send,
  startSession,
} from "./bayeux_client.ts";
import { onChannel } from "../../../simulator/contact_centre/fault_presets.ts";
import { startContactCentre } from "../../../simulator/contact_centre/server.ts";

Deno.test("a handshake is answered with a session, CometD's default advice and two cookies", async () => {
  await using centre = await startContactCentre();
  const { status, cookies, text } = await send(centre, [HANDSHAKE]);
  const [{ clientId, ...reply } = { clientId: "" }] = v.parse(replySchema, JSON.parse(text));
  assert.equal(status, 200);
  assert.match(clientId ?? "", /^\w{20,}$/);
  assert.deepEqual(reply, {
    id: "1",
    channel: "/meta/handshake",
    successful: true,
    version: "1.0",
    supportedConnectionTypes: ["long-polling"],
    advice: { reconnect: "retry", interval: 0, timeout: 30_000 },
  });
  assert.deepEqual(cookies.map((cookie) => cookie.split("=", 1)[0]).sort(), [
    "BAYEUX_BROWSER",
    "JSESSIONID",
  ]);
});

for (const suffix of ["", "/", "/handshake"]) {
  Deno.test(`a single message instead of an array will do, sent to notifications${suffix}`, async () => {
    await using centre = await startContactCentre();
    const [reply] = await exchange(centre, HANDSHAKE, { suffix });
    assert.equal(reply?.successful, true);
  });
}

for (const body of ["", "[", "[]", "5", "[null]", '["a"]']) {
  Deno.test(`${JSON.stringify(body)} is no message: 400`, async () => {
    await using centre = await startContactCentre();
    assert.equal((await send(centre, body)).status, 400);
  });
}

Deno.test("an impossible channel name is 400", async () => {
  await using session = await startSession();
  const { centre, clientId, cookie } = session;
  const message = { clientId, channel: "/meta/subscribe", subscription: "no-slash" };
  assert.equal((await send(centre, [message], { cookie })).status, 400);
});

Deno.test("the advice is what the options say", async () => {
  await using centre = await startContactCentre({ cometd: { timeoutMs: 123, intervalMs: 45 } });
  const [reply] = await exchange(centre, [HANDSHAKE]);
  assert.deepEqual(reply?.advice, { reconnect: "retry", interval: 45, timeout: 123 });
});

Deno.test("a connect with timeout 0 is answered at once, the next one is held until there is news", async () => {
  await using session = await startSession();
  const { centre } = session;
  assert.equal((await session.say(FIRST_CONNECT))[0]?.successful, true);
  const second = session.say(CONNECT);
  await held(centre);
  centre.emit({ notificationType: "a" }, "agent-1");
  assert.deepEqual(await second, [
    { channel: "/v2/me/smssessions", data: { notificationType: "a" } },
    { id: "3", channel: "/meta/connect", successful: true },
  ]);
});

Deno.test("a held connect is answered after the timeout", async () => {
  await using session = await startSession({ cometd: { timeoutMs: 20 } });
  assert.deepEqual((await session.say(CONNECT)).map(({ channel }) => channel), ["/meta/connect"]);
});

Deno.test("what was told between two connects comes with the next, in order", async () => {
  await using session = await startSession();
  await session.say(FIRST_CONNECT);
  for (const notificationType of ["a", "b"]) {
    session.centre.emit({ notificationType }, "agent-1");
  }
  await session.centre.idle();
  const replies = await session.say(CONNECT);
  assert.deepEqual(replies.map(({ data }) => data), [
    { notificationType: "a" },
    { notificationType: "b" },
    undefined,
  ]);
});

Deno.test("what a session has not subscribed to it is not told, unless it is sent unasked", async () => {
  await using session = await startSession();
  const { centre } = session;
  centre.emit({ notificationType: "a" }, "agent-1", { channel: "/v2/you/x" });
  centre.emit({ notificationType: "b" }, "agent-1", { channel: "/v2/you/x", unasked: true });
  await centre.idle();
  const replies = await session.say(CONNECT);
  assert.deepEqual(replies.map(({ channel, data }) => ({ channel, data })), [
    { channel: "/v2/you/x", data: { notificationType: "b" } },
    { channel: "/meta/connect", data: undefined },
  ]);
});

Deno.test("a session without a connect expires", async () => {
  await using session = await startSession({ cometd: { maxIntervalMs: 20, sweepMs: 10 } });
  await session.say(FIRST_CONNECT);
  await session.centre.cometd.happenings.waitFor(({ kind }) => kind === "gone");
  const [reply] = await session.say(CONNECT);
  assert.equal(reply?.error, "402::session_unknown");
  assert.equal(reply?.advice?.["reconnect"], "handshake");
});

Deno.test("a drop answers the held connect with 402, and what was queued is lost", async () => {
  await using session = await startSession();
  const { centre } = session;
  const connect = session.say(CONNECT);
  await held(centre);
  centre.dropCometdSessions();
  const unknown = {
    id: "3",
    channel: "/meta/connect",
    successful: false,
    error: "402::session_unknown",
    advice: { reconnect: "handshake", interval: 0 },
  };
  assert.deepEqual(await connect, [unknown]);
  assert.deepEqual(await session.say(CONNECT), [unknown]);
});

Deno.test("a drop between two connects loses what was queued", async () => {
  await using session = await startSession();
  await session.say(FIRST_CONNECT);
  session.centre.emit({ notificationType: "a" }, "agent-1");
  await session.centre.idle();
  session.centre.dropCometdSessions("agent-1");
  const replies = await session.say(CONNECT);
  assert.deepEqual(replies.map(({ error }) => error), ["402::session_unknown"]);
});

Deno.test("without the BAYEUX_BROWSER cookie a session is unknown", async () => {
  await using session = await startSession();
  const { centre, clientId } = session;
  const [reply] = await exchange(centre, [{ ...CONNECT, clientId }]);
  assert.equal(reply?.error, "402::session_unknown");
});

Deno.test("another agent's session is unknown, even with its cookie", async () => {
  await using session = await startSession();
  const { centre, clientId, cookie } = session;
  const [browser = ""] = cookie.split("; ").filter((each) => each.startsWith("BAYEUX_BROWSER"));
  const [reply] = await exchange(centre, [{ ...CONNECT, clientId }], {
    agent: "agent-2",
    cookie: browser,
  });
  assert.equal(reply?.error, "402::session_unknown");
  assert.equal(centre.cometd.sessions.length, 1);
});

Deno.test("a second connect of one browser is not held, but told to come at intervals", async () => {
  await using session = await startSession({ cometd: { multiSessionIntervalMs: 77 } });
  const { centre, cookie } = session;
  const [handshake] = await exchange(centre, [HANDSHAKE], { cookie });
  const first = session.say(CONNECT);
  await held(centre);
  const [reply] = await exchange(centre, [{ ...CONNECT, clientId: handshake?.clientId }], {
    cookie,
  });
  assert.deepEqual(reply?.advice, {
    "multiple-clients": true,
    reconnect: "retry",
    interval: 77,
  });
  centre.dropCometdSessions();
  await first;
});

Deno.test("clients cannot publish", async () => {
  await using session = await startSession();
  const [reply] = await session.say({ id: "9", channel: "/v2/me/smssessions", data: {} });
  assert.equal(reply?.error, "403::publish_denied");
});

Deno.test("a disconnect ends the session", async () => {
  await using session = await startSession();
  await session.say({ id: "9", channel: "/meta/disconnect" });
  assert.deepEqual(session.centre.cometd.sessions, []);
  assert.equal(session.centre.counts("agent-1").disconnects, 1);
});

Deno.test("a handshake with a wrong password is 401 by default", async () => {
  await using centre = await startContactCentre({
    agents: [{ agentId: "agent-1", password: "right" }],
  });
  const { status, text } = await send(centre, [HANDSHAKE]);
  assert.equal(status, 401);
  assert.deepEqual(JSON.parse(text), { statusCode: 20, statusMessage: "Access denied" });
  assert.equal(centre.counts("agent-1").refused, 1);
});

Deno.test("where CometD denies handshakes itself, other messages of nobody are still 401", async () => {
  await using session = await startSession({ cometd: { handshakeRefusal: "bayeux" } });
  const { centre, clientId } = session;
  const refused = await send(centre, [{ ...CONNECT, clientId }], { agent: null });
  assert.equal(refused.status, 401);
  const [denied] = await exchange(centre, [HANDSHAKE], { agent: null });
  assert.equal(denied?.error, "403::handshake_denied");
  assert.equal(denied?.advice?.["reconnect"], "none");
  assert.equal(centre.cometd.sessions.length, 1);
});

Deno.test("a changed reply is changed once, and for its agent only", async () => {
  await using centre = await startContactCentre();
  centre.cometd.changeReply("/meta/handshake", { successful: false, error: "500::x" }, "agent-1");
  const errors: unknown[] = [];
  for (const agent of ["agent-2", "agent-1", "agent-1"]) {
    const [reply] = await exchange(centre, [HANDSHAKE], { agent });
    errors.push(reply?.error);
  }
  assert.deepEqual(errors, [undefined, "500::x", undefined]);
});

Deno.test("an answer that is cut off loses what the connect would have told", async () => {
  await using session = await startSession();
  const { centre, clientId, cookie } = session;
  const { reached } = centre.faults.next("cut", { matching: onChannel("/meta/connect") });
  const connect = send(centre, [{ ...CONNECT, clientId }], { cookie });
  await held(centre);
  centre.emit({ notificationType: "lost" }, "agent-1");
  await Promise.all([reached, assert.rejects(connect)]);
  centre.emit({ notificationType: "heard" }, "agent-1");
  await centre.idle();
  const replies = await session.say(CONNECT);
  assert.deepEqual(replies.map(({ data }) => data), [{ notificationType: "heard" }, undefined]);
});

Deno.test("a client that went away in the middle of a connect gets what comes after its next one", async () => {
  await using session = await startSession();
  const { centre, clientId, cookie } = session;
  const giveUp = new AbortController();
  const connect = fetch(`${centre.url}${centre.cometd.path}/connect`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa("agent-1:")}`, cookie },
    body: JSON.stringify([{ ...CONNECT, clientId }]),
    signal: giveUp.signal,
  });
  await held(centre);
  giveUp.abort();
  await assert.rejects(connect);
  const next = session.say(CONNECT);
  await held(centre, 2);
  centre.emit({ notificationType: "a" }, "agent-1");
  assert.equal((await next).length, 2);
});
