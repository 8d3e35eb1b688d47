/** When and in which order the simulated contact centre tells what has happened. */
import { systemClock } from "../../../services/support/clock.ts";
import assert from "node:assert/strict";
import { createVirtualClock } from "../../support/virtual_clock.ts";
import { createApp } from "../../../simulator/contact_centre/app.ts";
import { createAgentDirectory } from "../../../simulator/contact_centre/agents.ts";
import { believedAgent } from "../../../simulator/contact_centre/auth.ts";
import { createCometd } from "../../../simulator/contact_centre/cometd.ts";
import { createControl } from "../../../simulator/contact_centre/control.ts";
import { createCounters } from "../../../simulator/contact_centre/counts.ts";
import { createHttpSessions } from "../../../simulator/contact_centre/http_sessions.ts";
import type { Centre } from "../../../simulator/contact_centre/model.ts";
import { createNotifier } from "../../../simulator/contact_centre/notifier.ts";
import { createFaultQueue } from "../../../simulator/kit/faults.ts";
import { createInbox } from "../../../simulator/kit/inbox.ts";
import { ACCEPT, operate, startWatched } from "./client.ts";

interface IngressRequest {
  readonly authorization: string | null;
  readonly type: string;
}

/** An ingress that answers the given statuses in turn, then 202. */
function startIngress(statuses: number[] = []) {
  const requests: IngressRequest[] = [];
  let underWay = 0;
  let mostAtOnce = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    mostAtOnce = Math.max(mostAtOnce, ++underWay);
    const { notificationType } = await request.json();
    requests.push({
      authorization: request.headers.get("authorization"),
      type: notificationType,
    });
    underWay--;
    return new Response(null, { status: statuses.shift() ?? 202 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/ingress/notifications`,
    requests,
    mostAtOnce: () => mostAtOnce,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("nothing is told before the answer was given", async () => {
  const clock = createVirtualClock();
  const told: unknown[] = [];
  const notifier = createNotifier({
    notify: (notification) => void told.push(notification["notificationType"]),
    ingress: undefined,
    clock,
    fetch,
  });
  const centre: Centre = {
    clock,
    random: Math.random,
    timestamps: { separator: "space", offsetMinutes: 0 },
    baseUrl: "http://contact-centre.example",
    acceptsAny: false,
    dispositionKey: "DISP_KEY",
    sessions: new Map(),
    loggedIn: new Map(),
    nextReferenceId: 1,
    failures: [],
  };
  const { id } = createControl(centre, notifier).addSession({ customer: { nickname: "P" } });
  const counters = createCounters();
  const cometd = createCometd({}, counters);
  const app = createApp({
    centre,
    control: null,
    notifier,
    requests: createInbox("request"),
    calls: createInbox("call"),
    faults: createFaultQueue(),
    clock,
    directory: createAgentDirectory({
      agents: undefined,
      readAgent: believedAgent,
      clock: systemClock,
    }),
    httpSessions: createHttpSessions({ clock, random: Math.random, idleMs: 1_800_000 }),
    counters,
    cometd,
    handshakeRefusal: "http",
    csrf: null,
    refusalHttpStatus: "mapped",
    lenientNames: false,
    version: "1",
  });
  const { promise: answered, resolve: markAnswered } = Promise.withResolvers<void>();
  const path = `/api/v2/me/smssessions/${id}`;
  const response = await app.fetch(
    new Request(`http://contact-centre.example${path}`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("agent-1:")}` },
      body: JSON.stringify(ACCEPT),
    }),
    { target: path, answered, markAnswered, reset() {} },
  );
  assert.deepEqual(await response.json(), { statusCode: 0 });
  assert.deepEqual(told, []);
  markAnswered();
  await notifier.idle();
  cometd.close();
  assert.deepEqual(told, ["StatusChange", "ParticipantsUpdated", "NewMessages"]);
});

Deno.test("a slow receiver holds back the next notification", async () => {
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  await using watched = await startWatched({
    async notify({ notificationType }) {
      order.push(`begin ${notificationType}`);
      if (order.length === 1) await first.promise;
      order.push(`end ${notificationType}`);
    },
  });
  const { centre } = watched;
  centre.emit({ notificationType: "a" });
  centre.emit({ notificationType: "b" });
  const idle = centre.idle();
  first.resolve();
  await idle;
  assert.deepEqual(order, ["begin a", "end a", "begin b", "end b"]);
});

Deno.test("notifications are posted to the ingress in order, one at a time, with the token", async () => {
  await using ingress = startIngress();
  await using watched = await startWatched({ ingress: { url: ingress.url, token: "t0ken" } });
  const { centre, id } = watched;
  await operate(centre, id, ACCEPT);
  await operate(centre, id, { operationName: "Leave" });
  await centre.idle();
  assert.deepEqual(ingress.requests.map(({ type }) => type), [
    "StatusChange",
    "ParticipantsUpdated",
    "NewMessages",
    "StatusChange",
    "StatusChange",
  ]);
  assert.equal(ingress.mostAtOnce(), 1);
  assert.ok(ingress.requests.every(({ authorization }) => authorization === "Bearer t0ken"));
});

Deno.test("a 5xx answer of the ingress is tried again before the next notification", async () => {
  await using ingress = startIngress([503, 500]);
  await using watched = await startWatched({ ingress: { url: ingress.url, retryWaitMs: 50 } });
  const { centre, clock } = watched;
  centre.emit({ notificationType: "a" });
  centre.emit({ notificationType: "b" });
  for (let retry = 0; retry < 2; retry++) {
    await clock.whenArmed();
    clock.advance(50);
  }
  await centre.idle();
  assert.deepEqual(ingress.requests.map(({ type }) => type), ["a", "a", "a", "b"]);
  assert.deepEqual(centre.undelivered, []);
});

Deno.test("after the last retry a notification is given up, and the next one goes out", async () => {
  await using ingress = startIngress([500, 500]);
  await using watched = await startWatched({ ingress: { url: ingress.url, retries: 1 } });
  const { centre, clock } = watched;
  centre.emit({ notificationType: "a" }, "agent-1");
  centre.emit({ notificationType: "b" });
  await clock.whenArmed();
  clock.advance(200);
  await centre.idle();
  assert.deepEqual(ingress.requests.map(({ type }) => type), ["a", "a", "b"]);
  assert.equal(centre.undelivered.length, 1);
  assert.equal(centre.undelivered[0]?.agentId, "agent-1");
  assert.match(centre.undelivered[0]?.reason ?? "", /answered 500/);
});

Deno.test("a 4xx answer of the ingress is not tried again", async () => {
  await using ingress = startIngress([401]);
  await using watched = await startWatched({ ingress: { url: ingress.url } });
  const { centre } = watched;
  centre.emit({ notificationType: "a" });
  await centre.idle();
  assert.equal(ingress.requests.length, 1);
  assert.equal(centre.undelivered.length, 1);
});

Deno.test("closing ends a wait for the next retry", async () => {
  await using ingress = startIngress([500]);
  const watched = await startWatched({ ingress: { url: ingress.url } });
  watched.centre.emit({ notificationType: "a" });
  await watched.clock.whenArmed();
  await watched.centre.close();
  assert.equal(watched.clock.pending(), 0);
});
