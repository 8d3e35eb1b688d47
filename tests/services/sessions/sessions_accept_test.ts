import assert from "node:assert/strict";
import { webhookRecord } from "../../support/webhook_record.ts";
import { SessionHeld, UpstreamTimeout, UpstreamUnavailable } from "../../../services/errors.ts";
import { CLAIM_GRACE_MS } from "../../../services/sessions/sessions.ts";
import { encodeWebhook } from "../../../services/webhooks/webhook.ts";
import {
  json,
  type ProxiedPath,
  SESSION,
  UPSTREAM_TIMEOUT_MS,
  withProxiedPath,
} from "../../support/proxied_path.ts";
import { startRawUpstream, unreachableUrl } from "../../support/scripted_upstream.ts";

const ACCEPT = { operationName: "Accept", nickname: "Ada" };
const text = ({ body }: { readonly body: Uint8Array }) => new TextDecoder().decode(body);

const accept = ({ sessions, call }: ProxiedPath, agentId: string, nickname = "Ada") =>
  sessions.accept(call(agentId, { operationName: "Accept", nickname }));

/** An Accept that upstream leaves unanswered until its time is over. */
async function acceptInVain(path: ProxiedPath, agentId: string): Promise<void> {
  path.say(() => "hang");
  const unanswered = accept(path, agentId);
  await path.upstream.whenSeen(path.upstream.seen.length + 1);
  path.clock.advance(UPSTREAM_TIMEOUT_MS);
  await assert.rejects(unanswered, UpstreamTimeout);
  path.say(() => json(0));
}

async function addWebhook({ watched }: ProxiedPath, id: string): Promise<void> {
  await watched.store.putWebhook(encodeWebhook(webhookRecord(id, { eventTypes: ["session.*"] })));
}

Deno.test("accept() maps the session and publishes session.accepted, in two round trips", async () => {
  await withProxiedPath(async (path) => {
    const answer = await accept(path, "agent-1");
    assert.equal(text(answer), '{"statusCode":0}');
    assert.deepEqual(path.watched.calls, ["claimSession", "confirmSession"]);
    assert.equal(await path.agents(), "agent-1");
    assert.deepEqual(await path.events(), [["session.accepted", { nickname: "Ada" }]]);
  });
});

Deno.test("accept() sends upstream the bytes it was given", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    assert.equal(new TextDecoder().decode(path.upstream.seen[0]?.bytes), JSON.stringify(ACCEPT));
  });
});

Deno.test("accept() takes the time of acceptance from upstream's Date", async () => {
  await withProxiedPath(async (path) => {
    path.say(() => json(0, { headers: { date: "Sun, 22 Nov 2026 09:58:07 GMT" } }));
    await accept(path, "agent-1");
    const session = await path.watched.store.readSession(SESSION, {
      nowMs: path.clock.now(),
      slide: false,
    });
    assert.equal(session?.acceptedUpstreamMs, Date.parse("2026-11-22T09:58:07Z"));
    assert.equal(session?.acceptedAtMs, path.clock.now());
  });
});

Deno.test("accept() takes it from our clock, in whole seconds, where upstream tells no Date", async () => {
  const dateless = startRawUpstream(
    'HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{"statusCode":0}',
  );
  try {
    await withProxiedPath(async (path) => {
      path.clock.advance(999);
      await accept(path, "agent-1");
      const session = await path.watched.store.readSession(SESSION, {
        nowMs: path.clock.now(),
        slide: false,
      });
      assert.equal(session?.acceptedUpstreamMs, path.clock.now() - 999);
    }, { upstreamUrl: dateless.url });
  } finally {
    await dateless.close();
  }
});

Deno.test("accept() refuses another agent's session without asking upstream", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await assert.rejects(accept(path, "agent-2"), SessionHeld);
    assert.equal(path.upstream.seen.length, 1);
  });
});

Deno.test("accept() refuses a session that another agent is just accepting", async () => {
  await withProxiedPath(async (path) => {
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
    path.say(() => new Response(ReadableStream.from(slowly(mayAnswer))));
    const first = accept(path, "agent-1");
    await path.upstream.whenSeen(1);
    await assert.rejects(accept(path, "agent-2"), SessionHeld);
    letAnswer();
    await first;
    assert.equal(await path.agents(), "agent-1");
  });
});

async function* slowly(mayAnswer: Promise<void>) {
  yield new TextEncoder().encode('{"statusCode"');
  await mayAnswer;
  yield new TextEncoder().encode(":0}");
}

Deno.test("accept() by the present holder is forwarded again and publishes nothing", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.watched.forget();
    assert.equal(text(await accept(path, "agent-1")), '{"statusCode":0}');
    assert.equal(path.upstream.seen.length, 2);
    assert.deepEqual(path.watched.calls, ["claimSession"]);
    assert.equal((await path.events()).length, 1);
  });
});

Deno.test("accept() by the present holder spares the next operation its look at the store", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.clock.advance(60_000);
    await accept(path, "agent-1");
    path.watched.forget();
    await path.sessions.operate(path.call("agent-1", { operationName: "SendMessage", text: "x" }));
    assert.deepEqual(path.watched.calls, []);
  });
});

Deno.test("accept() by the present holder that upstream refuses leaves the mapping as it is", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    path.say(() => json(2));
    path.watched.forget();
    await accept(path, "agent-1");
    assert.deepEqual(path.watched.calls, ["claimSession"]);
    assert.equal(await path.agents(), "agent-1");
  });
});

Deno.test("accept() through an open seat adds a participant and publishes who came", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    await path.sessions.operate(path.call("agent-1", { operationName: "Invite", targetUri: "u" }));
    await accept(path, "agent-2", "Bob");
    assert.equal(await path.agents(), "agent-1, agent-2");
    assert.deepEqual((await path.events())[1], [
      "session.participant_added",
      { participant: { agentId: "agent-2", nickname: "Bob" } },
    ]);
    await assert.rejects(accept(path, "agent-3"), SessionHeld);
  });
});

for (const operationName of ["Complete", "Leave", "Transfer"]) {
  Deno.test(`accept() through a seat whose session is over by ${operationName} meanwhile holds it, and says so`, async () => {
    await withProxiedPath(async (path) => {
      const { sessions, call } = path;
      await accept(path, "agent-1");
      await sessions.operate(call("agent-1", { operationName: "Invite", targetUri: "u" }));
      const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
      path.say(() => new Response(ReadableStream.from(slowly(mayAnswer))));
      const invited = accept(path, "agent-2", "Bob");
      await path.upstream.whenSeen(3);
      path.say(() => json(0));
      await sessions.operate(call("agent-1", { operationName, targetUri: "u" }));
      letAnswer();
      await invited;
      assert.equal(await path.agents(), "agent-2");
      assert.deepEqual((await path.events()).slice(1), [
        ["session.released", { operationName }],
        ["session.accepted", { nickname: "Bob" }],
      ]);
      assert.equal(path.log.of("session.claim_lost").length, 0);
    });
  });
}

// ---------------------------------------------------------------------------------- upstream does not say yes

const REFUSALS: readonly (readonly [string, () => Response])[] = [
  ["statusCode 2 under 200", () => json(2)],
  ["partial success", () => json(7)],
  ["an error status", () => json(4, { status: 500 })],
  [
    "HTML",
    () => new Response("<h1>Log in</h1>", { headers: { "content-type": "text/html" } }),
  ],
  ["nothing at all", () => new Response(null, { status: 204 })],
  ["a redirect", () => new Response("", { status: 302, headers: { location: "/login" } })],
];

for (const [name, answer] of REFUSALS) {
  Deno.test(`accept() brings the answer back verbatim and releases the claim upon ${name}`, async () => {
    await withProxiedPath(async (path) => {
      path.say(answer);
      const expected = answer();
      const got = await accept(path, "agent-1");
      assert.equal(got.status, expected.status);
      assert.equal(got.headers.get("content-type"), expected.headers.get("content-type"));
      assert.equal(text(got), await expected.text());
      assert.equal(await path.agents(), null);
      assert.deepEqual(await path.events(), []);

      path.say(() => json(0));
      await accept(path, "agent-2");
      assert.equal(await path.agents(), "agent-2");
    });
  });
}

Deno.test("accept() releases the claim when upstream surely was not reached", async () => {
  await withProxiedPath(async (path) => {
    for (const agentId of ["agent-1", "agent-2"]) {
      await assert.rejects(accept(path, agentId), (error) => {
        assert.ok(error instanceof UpstreamUnavailable);
        return error.reached === "never";
      });
    }
    assert.deepEqual(path.watched.calls.filter((step) => step === "releaseClaim").length, 2);
  }, { upstreamUrl: unreachableUrl() });
});

Deno.test("accept() keeps the claim for a minute after a timeout, for the same agent only", async () => {
  await withProxiedPath(async (path) => {
    await acceptInVain(path, "agent-1");
    await assert.rejects(accept(path, "agent-2"), SessionHeld);
    path.clock.advance(CLAIM_GRACE_MS - 1);
    await assert.rejects(accept(path, "agent-2"), SessionHeld);
    await accept(path, "agent-1");
    assert.equal(await path.agents(), "agent-1");
  });
});

Deno.test("accept() is open to others once the claim of an unanswered Accept has lapsed", async () => {
  await withProxiedPath(async (path) => {
    await acceptInVain(path, "agent-1");
    path.clock.advance(CLAIM_GRACE_MS);
    await accept(path, "agent-2");
    assert.equal(await path.agents(), "agent-2");
  });
});

Deno.test("accept() keeps the claim when the client goes away before the answer", async () => {
  await withProxiedPath(async (path) => {
    path.say(() => "hang");
    const client = new AbortController();
    const call = path.call("agent-1", ACCEPT);
    const unheard = path.sessions.accept({
      ...call,
      request: { ...call.request, signal: client.signal },
    });
    await path.upstream.whenSeen(1);
    client.abort();
    await assert.rejects(unheard, UpstreamUnavailable);
    await assert.rejects(accept(path, "agent-2"), SessionHeld);
  });
});

Deno.test("accept() answers although the claim lapsed meanwhile and another agent has the session", async () => {
  await withProxiedPath(async (path) => {
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
    path.say(() => new Response(ReadableStream.from(slowly(mayAnswer))));
    const call = path.call("agent-1", ACCEPT);
    const slow = path.sessions.accept(call);
    await path.upstream.whenSeen(1);
    // Another instance whose clock is far ahead lets agent-2 in.
    const nowMs = path.clock.now() + 10 * 60_000;
    await path.watched.store.claimSession({
      sessionId: SESSION,
      agentId: "agent-2",
      token: "other",
      nowMs,
      untilMs: nowMs + 1,
    });
    letAnswer();
    assert.equal(text(await slow), '{"statusCode":0}');
    assert.equal(await path.agents(), null);
    assert.equal(path.log.of("session.claim_lost").length, 1);
  });
});

// ---------------------------------------------------------------------------------------------- publishing

Deno.test("accept() announces its deliveries, also to a webhook that was registered a moment ago", async () => {
  await withProxiedPath(async (path) => {
    await accept(path, "agent-1");
    assert.deepEqual(path.announced, []);
    await path.sessions.operate(path.call("agent-1", { operationName: "Complete" }));
    await addWebhook(path, "wh_1");
    await addWebhook(path, "wh_2");
    await accept(path, "agent-2");
    assert.deepEqual(path.announced, [2]);
    assert.deepEqual((await path.events()).map(([type]) => type), [
      "session.accepted",
      "session.released",
      "session.accepted",
    ]);
  });
});
