import assert from "node:assert/strict";
import { MARK_GRACE_MS } from "../../services/idempotency/idempotency.ts";
import { aborted, startRawUpstream, unreachableUrl } from "../support/scripted_upstream.ts";
import { type ProxiedApp, withProxiedApp } from "../support/proxied_app.ts";
import { json, SESSION as SESSION_ID, UPSTREAM_TIMEOUT_MS } from "../support/proxied_path.ts";

const SESSION = `/api/v2/me/smssessions/${SESSION_ID}`;
const USERS_SESSION = `/api/v2/users/2a6c/smssessions/${SESSION_ID}`;
const ACCEPT = { operationName: "Accept", nickname: "Ada" };
const HELLO = { operationName: "SendMessage", text: "hello" };
const INTRUDE = { operationName: "Intrude" };
const KEY = "order-17";

interface Asked {
  readonly agentId?: string;
  readonly key?: string | null;
  readonly path?: string;
  readonly signal?: AbortSignal;
}

/** Sends an operation, under {@link KEY} unless told otherwise; null: without the header. */
function ask(
  { send }: ProxiedApp,
  body: unknown,
  { agentId = "agent-1", key = KEY, path = SESSION, signal }: Asked = {},
): Promise<Response> {
  return send(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: {
      "content-type": "application/json",
      "authorization": `Bearer ${agentId}`,
      ...(key === null ? {} : { "idempotency-key": key }),
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

/** What the client sees of an answer. */
async function seen(answer: Promise<Response> | Response) {
  const { status, headers, body } = await answer;
  return {
    status,
    text: await new Response(body).text(),
    contentType: headers.get("content-type"),
    retryAfter: headers.get("retry-after"),
    replayed: headers.get("idempotency-replayed"),
  };
}

const codeOf = ({ text }: { readonly text: string }) => JSON.parse(text).type;

/** Upstream says yes once it is let, at the end of the test at the latest. */
function heldAnswer(app: ProxiedApp) {
  const { promise, resolve } = Promise.withResolvers<void>();
  app.say(() => promise.then(() => json(0)));
  return { release: resolve, [Symbol.dispose]: resolve };
}

const ANSWERS: readonly (readonly [string, () => Response])[] = [
  ["a success", () => json(0)],
  [
    "a success with more members",
    () => new Response('{ "statusCode":0,\n "referenceId": 35 }', { status: 200 }),
  ],
  ["a refusal", () => json(3, { status: 403 })],
  ["an error that is no JSON", () =>
    new Response("<h1>Busy</h1>", {
      status: 503,
      headers: { "content-type": "text/html", "retry-after": "7" },
    })],
  ["no content", () => new Response(null, { status: 204 })],
];

for (const [what, saying] of ANSWERS) {
  Deno.test(`A second request under an Idempotency-Key gets ${what} again, without upstream`, async () => {
    await withProxiedApp(async (app) => {
      app.say(saying);
      const first = await seen(ask(app, HELLO));
      assert.equal(first.replayed, null);
      const second = await seen(ask(app, HELLO));
      assert.deepEqual(second, { ...first, replayed: "true" });
      assert.equal(app.upstream.seen.length, 1);
    });
  });
}

Deno.test("Accept under an Idempotency-Key maps the session once and publishes once", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, ACCEPT));
    const second = await seen(ask(app, ACCEPT));
    assert.equal(second.text, '{"statusCode":0}');
    assert.equal(second.replayed, "true");
    assert.equal(await app.agents(), "agent-1");
    assert.equal((await app.events()).length, 1);
  });
});

Deno.test("Intrude under an Idempotency-Key lets the supervisor in once", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, ACCEPT, { key: null }));
    const asked = { agentId: "boss", path: USERS_SESSION };
    await seen(ask(app, INTRUDE, asked));
    assert.equal((await seen(ask(app, INTRUDE, asked))).replayed, "true");
    assert.equal(app.upstream.seen.length, 2);
    assert.equal(await app.agents(), "agent-1, boss");
  });
});

Deno.test("A quoted and a bare Idempotency-Key are one, and so are both spellings of the path", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, HELLO));
    const again = { key: `"${KEY}"`, path: SESSION.replace("smssessions", "smsessions") };
    assert.equal((await seen(ask(app, HELLO, again))).replayed, "true");
    assert.equal(app.upstream.seen.length, 1);
  });
});

Deno.test("Another body under an Idempotency-Key is 422 and goes nowhere", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, HELLO));
    const other = await seen(ask(app, { ...HELLO, text: "hello!" }));
    assert.equal(other.status, 422);
    assert.equal(codeOf(other), "/problems/idempotency-mismatch");
    assert.equal(JSON.parse(other.text).statusCode, 2);
    assert.equal(app.upstream.seen.length, 1);
  });
});

Deno.test("An Idempotency-Key is one agent's: another's request under it is forwarded", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, HELLO));
    assert.equal((await seen(ask(app, HELLO, { agentId: "agent-2" }))).replayed, null);
    assert.equal(app.upstream.seen.length, 2);
  });
});

Deno.test("A second request while the first is under way is 409 with Retry-After, and then gets the answer", async () => {
  await withProxiedApp(async (app) => {
    using held = heldAnswer(app);
    const first = ask(app, HELLO);
    await app.upstream.whenSeen(1);
    const second = await seen(ask(app, HELLO));
    assert.equal(second.status, 409);
    assert.equal(second.retryAfter, "1");
    assert.equal(codeOf(second), "/problems/idempotency-conflict");
    assert.equal(JSON.parse(second.text).statusCode, 2);

    held.release();
    assert.equal((await seen(first)).status, 200);
    assert.equal((await seen(ask(app, HELLO))).replayed, "true");
    assert.equal(app.upstream.seen.length, 1);
  });
});

Deno.test("A replay needs no mapping: the answer is the agent's own", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, ACCEPT, { key: null }));
    const leave = { operationName: "Leave" };
    await seen(ask(app, leave));
    await seen(ask(app, ACCEPT, { key: null, agentId: "agent-2" }));
    app.watched.forget();
    const again = await seen(ask(app, leave));
    assert.deepEqual([again.status, again.replayed], [200, "true"]);
    assert.deepEqual(app.watched.calls, ["writeRecord"]);
    assert.equal(await app.agents(), "agent-2");
  });
});

Deno.test("A replay needs a token with the scope", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, HELLO));
    assert.equal((await seen(ask(app, HELLO, { agentId: "reader" }))).status, 403);
  });
});

// -------------------------------------------------------------------------------- what may have reached upstream

Deno.test("A time-out upstream is kept: the request may have been acted on", async () => {
  await withProxiedApp(async (app) => {
    app.say(() => "hang");
    const first = ask(app, HELLO);
    await app.upstream.whenSeen(1);
    app.clock.advance(UPSTREAM_TIMEOUT_MS);
    const timedOut = await seen(first);
    assert.equal(timedOut.status, 504);
    assert.equal(codeOf(timedOut), "/problems/upstream-timeout");
    app.say(() => json(0));
    assert.deepEqual(await seen(ask(app, HELLO)), { ...timedOut, replayed: "true" });
    assert.equal(app.upstream.seen.length, 1);
  });
});

Deno.test("An exchange that broke off is kept: the request may have been acted on", async () => {
  const upstream = startRawUpstream("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}");
  await withProxiedApp(async (app) => {
    const brokenOff = await seen(ask(app, HELLO));
    assert.deepEqual([brokenOff.status, brokenOff.replayed], [502, null]);
    assert.deepEqual(await seen(ask(app, HELLO)), { ...brokenOff, replayed: "true" });
  }, { upstreamUrl: upstream.url });
  await upstream.close();
});

Deno.test("An upstream that could not be reached costs no key", async () => {
  await withProxiedApp(async (app) => {
    for (let times = 0; times < 2; times++) {
      const unreached = await seen(ask(app, HELLO));
      assert.deepEqual([unreached.status, unreached.replayed], [502, null]);
    }
  }, { upstreamUrl: unreachableUrl() });
});

Deno.test("Our own refusals cost no key", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, ACCEPT, { key: null }));
    const asAnother = { agentId: "agent-2" };
    const held = await seen(ask(app, ACCEPT, asAnother));
    assert.equal(codeOf(held), "/problems/session-held");
    const refused = await seen(ask(app, HELLO, asAnother));
    assert.equal(codeOf(refused), "/problems/not-your-session");

    await seen(ask(app, { operationName: "Complete" }, { key: null }));
    const accepted = await seen(ask(app, ACCEPT, asAnother));
    assert.deepEqual([accepted.status, accepted.replayed], [200, null]);
    assert.equal(await app.agents(), "agent-2");
  });
});

const FAULTY: readonly (readonly [string, unknown, Asked, string])[] = [
  ["no operationName", {}, {}, "invalid-body"],
  ["a missing member", { operationName: "SendMessage" }, {}, "invalid-parameter"],
  ["Intrude at the wrong address", INTRUDE, {}, "invalid-parameter"],
  ["no Intrude", HELLO, { path: USERS_SESSION, agentId: "boss" }, "invalid-parameter"],
  ["an empty key", HELLO, { key: "" }, "invalid-parameter"],
  ["a key with a blank", HELLO, { key: "order 17" }, "invalid-parameter"],
  ["a key that is too long", HELLO, { key: "k".repeat(256) }, "invalid-parameter"],
];

for (const [what, body, asked, code] of FAULTY) {
  Deno.test(`A request with ${what} is refused before the store is asked about its key`, async () => {
    await withProxiedApp(async (app) => {
      const answer = await seen(ask(app, body, asked));
      assert.equal(answer.status, 400);
      assert.equal(codeOf(answer), `/problems/${code}`);
      assert.deepEqual(app.watched.calls, []);
      assert.equal(app.upstream.seen.length, 0);
    });
  });
}

// ------------------------------------------------------------------------------------------ store, client, time

Deno.test("Without the header the store is asked nothing more, and nothing is kept", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, ACCEPT, { key: null }));
    assert.deepEqual(app.watched.calls, ["claimSession", "confirmSession"]);
    app.watched.forget();
    await seen(ask(app, HELLO, { key: null }));
    await seen(ask(app, HELLO, { key: null }));
    assert.deepEqual(app.watched.calls, []);
    assert.equal(app.upstream.seen.length, 3);
  });
});

Deno.test("With the header and the store down nothing is forwarded", async () => {
  await withProxiedApp(async (app) => {
    await seen(ask(app, ACCEPT, { key: null }));
    app.watched.fail(["writeRecord"]);
    const down = await seen(ask(app, HELLO));
    assert.deepEqual([down.status, down.retryAfter], [503, "2"]);
    assert.equal(app.upstream.seen.length, 1);
    app.watched.recover();
    assert.equal((await seen(ask(app, HELLO))).replayed, null);
  });
});

Deno.test("The client gets upstream's answer although it cannot be kept, and the key stays taken until the mark lapses", async () => {
  await withProxiedApp(async (app) => {
    app.say(() => {
      app.watched.fail(["writeRecord"]);
      return json(0);
    });
    assert.equal((await seen(ask(app, HELLO))).status, 200);
    await app.log.whenLogged("session.follow_up_failed");
    app.watched.recover();
    assert.equal((await seen(ask(app, HELLO))).status, 409);
    app.clock.advance(UPSTREAM_TIMEOUT_MS + MARK_GRACE_MS);
    app.say(() => json(0));
    await seen(ask(app, HELLO));
    assert.equal(app.upstream.seen.length, 2);
  });
});

Deno.test("The answer is kept although the client hung up, and is there when it asks again", async () => {
  await withProxiedApp(async (app) => {
    using held = heldAnswer(app);
    const client = new AbortController();
    const first = ask(app, HELLO, { signal: client.signal });
    await app.upstream.whenSeen(1);
    client.abort();
    await assert.rejects(first, { name: "AbortError" });
    assert.equal((await seen(ask(app, HELLO))).status, 409);
    held.release();
    await app.settled();
    const again = await seen(ask(app, HELLO));
    assert.deepEqual([again.status, again.text, again.replayed], [200, '{"statusCode":0}', "true"]);
    assert.equal(app.upstream.seen.length, 1);
  });
});

Deno.test("Without the header a client that hangs up still cancels the call upstream", async () => {
  await withProxiedApp(async (app) => {
    app.say(() => "hang");
    const client = new AbortController();
    const first = ask(app, HELLO, { key: null, signal: client.signal });
    await app.upstream.whenSeen(1);
    client.abort();
    await assert.rejects(first, { name: "AbortError" });
    const [request] = app.upstream.seen;
    assert.ok(request);
    await aborted(request.signal);
    await app.log.whenLogged("request.failed");
  });
});
