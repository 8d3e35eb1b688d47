import assert from "node:assert/strict";
import { aborted } from "../support/scripted_upstream.ts";
import { type ProxiedApp, withProxiedApp } from "../support/proxied_app.ts";
import { json, SESSION as SESSION_ID, UPSTREAM_TIMEOUT_MS } from "../support/proxied_path.ts";

const SESSION = `/api/v2/me/smssessions/${SESSION_ID}`;
const ACCEPT = { operationName: "Accept", nickname: "Ada" };
const INTRUDE = { operationName: "Intrude" };
const JSON_TYPE = { "content-type": "application/json" };

interface Problem {
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  readonly statusCode: number;
}

async function assertProblem(
  response: Response,
  code: string,
  statusCode: number,
): Promise<Problem> {
  const problem: Problem = await response.json();
  assert.equal(problem.type, `/problems/${code}`, JSON.stringify(problem));
  assert.equal(problem.statusCode, statusCode);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  return problem;
}

/** Sends these bytes as they are and reads all that comes back. */
async function sendRaw({ origin }: ProxiedApp, request: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}

// --------------------------------------------------------------------------------------------------- Accept

Deno.test("POST …/smssessions/{id} forwards the documented Accept and maps the session", async () => {
  await withProxiedApp(async ({ send, upstream, agents, events }) => {
    const seed = new URL("../../simulator/contact_centre/samples/", import.meta.url);
    const bytes = await Deno.readFile(new URL("accept_request.json", seed));
    const answer = await send(SESSION, {
      method: "POST",
      body: bytes,
      headers: JSON_TYPE,
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(
      await answer.json(),
      JSON.parse(await Deno.readTextFile(new URL("accept_response.json", seed))),
    );
    assert.equal(upstream.seen[0]?.target, SESSION);
    assert.deepEqual(upstream.seen[0]?.bytes, bytes);
    assert.equal(await agents(), "agent-1");
    assert.deepEqual(await events(), [["session.accepted", { nickname: "John Doe" }]]);
  });
});

Deno.test("POST …/smssessions/{id} answers session-held for another agent's Accept", async () => {
  await withProxiedApp(async ({ post, upstream }) => {
    await (await post(SESSION, ACCEPT)).body?.cancel();
    const answer = await post(SESSION, ACCEPT, "agent-2");
    assert.equal(answer.status, 409);
    await assertProblem(answer, "session-held", 19);
    assert.equal(upstream.seen.length, 1);
  });
});

Deno.test("POST …/smssessions/{id} answers not-your-session for another agent's operation", async () => {
  await withProxiedApp(async ({ post }) => {
    await (await post(SESSION, ACCEPT)).body?.cancel();
    const answer = await post(SESSION, { operationName: "Complete" }, "agent-2");
    assert.equal(answer.status, 403);
    await assertProblem(answer, "not-your-session", 3);
  });
});

Deno.test("POST …/smssessions/{id} answers 504 when upstream is slow, and cancels the call", async () => {
  await withProxiedApp(async ({ post, say, clock, upstream }) => {
    say(() => "hang");
    const answer = post(SESSION, ACCEPT);
    await upstream.whenSeen(1);
    clock.advance(UPSTREAM_TIMEOUT_MS);
    assert.equal((await answer).status, 504);
    await assertProblem(await answer, "upstream-timeout", 4);
    const [seen] = upstream.seen;
    assert.ok(seen);
    await aborted(seen.signal);
  });
});

Deno.test("POST …/smssessions/{id} cancels the upstream call of a text when the client hangs up", async () => {
  await withProxiedApp(async ({ send, say, upstream, log }) => {
    say(() => "hang");
    const client = new AbortController();
    const answer = send(SESSION, {
      method: "POST",
      body: JSON.stringify({ operationName: "SendMessage", text: "Hi" }),
      headers: JSON_TYPE,
      signal: client.signal,
    });
    await upstream.whenSeen(1);
    client.abort();
    await assert.rejects(answer, { name: "AbortError" });
    const [seen] = upstream.seen;
    assert.ok(seen);
    await aborted(seen.signal);
    await log.whenLogged("request.failed");
  });
});

Deno.test("POST …/smssessions/{id} hears the answer to an Accept although the client hung up", async () => {
  await withProxiedApp(async ({ send, say, upstream, sessions, agents }) => {
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>();
    say(async () => {
      await mayAnswer;
      return json(0);
    });
    const client = new AbortController();
    const answer = send(SESSION, {
      method: "POST",
      body: JSON.stringify(ACCEPT),
      headers: JSON_TYPE,
      signal: client.signal,
    });
    await upstream.whenSeen(1);
    client.abort();
    await assert.rejects(answer, { name: "AbortError" });
    letAnswer();
    await sessions.settled();
    assert.equal(await agents(), "agent-1");
  });
});

Deno.test("POST …/smssessions/{id} answers store-unavailable with Retry-After while the store is down", async () => {
  await withProxiedApp(async ({ post, watched, upstream }) => {
    watched.fail();
    const answer = await post(SESSION, ACCEPT);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "2");
    await assertProblem(answer, "store-unavailable", 4);
    assert.equal(upstream.seen.length, 0);
  });
});

// -------------------------------------------------------------------------------------- refused beforehand

const REFUSED: readonly (readonly [string, unknown, string, number, RegExp])[] = [
  ["no operationName", {}, "invalid-body", 1, /operationName/],
  ["an operationName that is no text", { operationName: 1 }, "invalid-body", 1, /operationName/],
  ["an array", [], "invalid-body", 1, /JSON object/],
  ["an Accept without nickname", { operationName: "Accept" }, "invalid-parameter", 10, /nickname/],
  ["a SendMessage without text", { operationName: "SendMessage" }, "invalid-parameter", 10, /text/],
  ["an Intrude, which has its own address", INTRUDE, "invalid-parameter", 10, /\/users\//],
];

for (const [name, body, code, statusCode, detail] of REFUSED) {
  Deno.test(`POST …/smssessions/{id} refuses ${name} before anything else happens`, async () => {
    await withProxiedApp(async ({ post, upstream, watched }) => {
      const answer = await post(SESSION, body);
      assert.equal(answer.status, 400);
      assert.match((await assertProblem(answer, code, statusCode)).detail, detail);
      assert.equal(upstream.seen.length, 0);
      assert.deepEqual(watched.calls, []);
    });
  });
}

Deno.test("POST …/smssessions/{id} reads 64 KiB and no more", async () => {
  await withProxiedApp(async ({ post, upstream }) => {
    const sized = (bytes: number) => {
      const empty = JSON.stringify({ operationName: "SendMessage", text: "" }).length;
      return { operationName: "SendMessage", text: "x".repeat(bytes - empty) };
    };
    assert.equal(await statusOf(post(SESSION, sized(65_536))), 200);
    assert.equal(await statusOf(post(SESSION, sized(65_537))), 413);
    assert.equal(upstream.seen.length, 1);
  });
});

async function statusOf(answer: Promise<Response>): Promise<number> {
  const { status, body } = await answer;
  await body?.cancel();
  return status;
}

const STRANGE_IDS = ["..%2f..", "a%2Fb", "a%20b", "%00", "a;b", "é", "x".repeat(129)];

for (
  const [userId, status] of [["john.doe@example.com", 200], ["..", 404], ["%2e", 404]] as const
) {
  Deno.test(`Intrude on a session of ${userId} answers ${status}`, async () => {
    await withProxiedApp(async ({ post }) => {
      const path = `/api/v2/users/${userId}/smssessions/1`;
      assert.equal(await statusOf(post(path, INTRUDE, "boss")), status);
    });
  });
}

Deno.test("A session id has no dot in it", async () => {
  await withProxiedApp(async ({ post, upstream }) => {
    assert.equal(await statusOf(post("/api/v2/me/smssessions/a.b", ACCEPT)), 404);
    assert.equal(upstream.seen.length, 0);
  });
});

for (const id of STRANGE_IDS) {
  Deno.test(`No request reaches upstream with the id ${id.slice(0, 10)}`, async () => {
    await withProxiedApp(async ({ post, send, upstream }) => {
      const path = `/api/v2/me/smssessions/${id}`;
      const answers = [
        post(path, ACCEPT),
        send(path),
        send(`${path}/messages`),
        post(`/api/v2/users/${id}/smssessions/1`, INTRUDE, "boss"),
        post(`/api/v2/users/1/smssessions/${id}`, INTRUDE, "boss"),
      ];
      for (const answer of answers) assert.equal(await statusOf(answer), 404);
      assert.equal(upstream.seen.length, 0);
    });
  });
}

Deno.test("An id may have letters, digits, _, ~ and -, up to 128 of them", async () => {
  await withProxiedApp(async ({ send, upstream }) => {
    for (const id of ["aZ09_~-", "x".repeat(128)]) {
      assert.equal(await statusOf(send(`/api/v2/me/smssessions/${id}`)), 200);
      assert.equal(upstream.seen.at(-1)?.target, `/api/v2/me/smssessions/${id}`);
    }
  });
});

for (const path of ["/api/v2/diagnostics/version", "/api/v2/me/smssessions/1/participants"]) {
  Deno.test(`GET ${path} is not found and never reaches upstream`, async () => {
    await withProxiedApp(async ({ send, upstream }) => {
      assert.equal(await statusOf(send(path)), 404);
      assert.equal(upstream.seen.length, 0);
    });
  });
}

Deno.test("Every route of the proxied path asks for its scope", async () => {
  await withProxiedApp(async ({ post, send, upstream }) => {
    const reader = { headers: { authorization: "Bearer reader" } };
    const answers = [
      post(SESSION, ACCEPT, "reader"),
      post("/api/v2/me", { operationName: "Ready" }, "reader"),
      ...["/api/v2/me", "/api/v2/me/smssessions", SESSION, `${SESSION}/messages`].map((path) =>
        send(path, reader)
      ),
      post("/api/v2/users/1/smssessions/1", INTRUDE, "agent-1"),
    ];
    for (const answer of answers) assert.equal(await statusOf(answer), 403);
    assert.equal(upstream.seen.length, 0);
  });
});

// ------------------------------------------------------------------------------------------------- headers

Deno.test("The client's headers reach upstream by the allow-list alone", async () => {
  await withProxiedApp(async (app) => {
    const answer = await sendRaw(
      app,
      [
        `GET ${SESSION} HTTP/1.1`,
        "Host: patchbay.example:8000",
        "Connection: close, Accept-Language, X-Mine",
        "Authorization: Bearer agent-1",
        "Accept: application/json",
        "Accept-Language: de",
        "Cookie: JSESSIONID=1",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Via: 1.0 forged",
        "X-Agent-Id: somebody-else",
        "X-Forwarded-For: 203.0.113.66",
        "X-Forwarded-Host: forged.example",
        "X-Mine: 1",
        "",
        "",
      ].join("\r\n"),
    );
    assert.match(answer, /^HTTP\/1.1 200 /);
    const headers = Object.fromEntries(app.upstream.seen[0]?.headers ?? []);
    assert.deepEqual(headers, {
      "accept": "application/json",
      "accept-encoding": "gzip,br",
      // Not the client's "de", which it named in Connection: what fetch sends by itself.
      "accept-language": "*",
      "authorization": "Bearer agent-1",
      "host": app.upstream.url.host,
      "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "user-agent": headers["user-agent"],
      "via": "1.1 patchbay",
      "x-forwarded-for": "192.0.2.7",
      "x-forwarded-host": "patchbay.example:8000",
      "x-forwarded-proto": "http",
      "x-request-id": "request-1",
    });
  });
});

Deno.test("Upstream's headers reach the client by the allow-list alone", async () => {
  await withProxiedApp(async ({ send, say }) => {
    say(() =>
      new Response("<h1>Busy</h1>", {
        status: 503,
        headers: {
          "cache-control": "public",
          "content-type": "text/html",
          "retry-after": "7",
          "set-cookie": "JSESSIONID=1",
          "x-csrf-token": "t",
          "x-powered-by": "Jetty",
        },
      })
    );
    const answer = await send(SESSION);
    assert.equal(answer.status, 503);
    assert.equal(await answer.text(), "<h1>Busy</h1>");
    const headers = Object.fromEntries(answer.headers);
    assert.deepEqual(headers, {
      "cache-control": "no-store",
      "content-length": "13",
      "content-type": "text/html",
      "date": headers.date,
      "retry-after": "7",
    });
  });
});

for (const status of [204, 304]) {
  Deno.test(`A ${status} of upstream's comes back without a body`, async () => {
    await withProxiedApp(async ({ send, say }) => {
      say(() => new Response(null, { status }));
      const answer = await send(SESSION);
      assert.equal(answer.status, status);
      assert.equal(await answer.text(), "");
    });
  });
}

Deno.test("A redirect of upstream's comes back as it is, without its location", async () => {
  await withProxiedApp(async ({ send, say, upstream }) => {
    say(() => new Response("gone there", { status: 302, headers: { location: "/login" } }));
    const answer = await send(SESSION);
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get("location"), null);
    assert.equal(await answer.text(), "gone there");
    assert.equal(upstream.seen.length, 1);
  });
});

// --------------------------------------------------------------------------------------------------- reads

for (const path of ["/api/v2/me/smssessions", SESSION, `${SESSION}/messages`]) {
  Deno.test(`GET ${path} passes its query on as it came`, async () => {
    await withProxiedApp(async ({ send, upstream }) => {
      const query = "?fields=*&startIndex=0&count=4&a=%2F+%20&&b";
      assert.equal(await statusOf(send(path + query)), 200);
      assert.equal(upstream.seen[0]?.method, "GET");
      assert.equal(upstream.seen[0]?.target, path + query);
      assert.equal(upstream.seen[0]?.bytes.length, 0);
    });
  });
}

Deno.test("GET of one session or its messages is refused to others while an agent holds it", async () => {
  await withProxiedApp(async ({ post, send, upstream }) => {
    await (await post(SESSION, ACCEPT)).body?.cancel();
    const other = { headers: { authorization: "Bearer agent-2" } };
    for (const path of [SESSION, `${SESSION}/messages`]) {
      await assertProblem(await send(path, other), "not-your-session", 3);
      assert.equal(await statusOf(send(path)), 200);
    }
    assert.equal(await statusOf(send("/api/v2/me/smssessions", other)), 200);
    assert.equal(upstream.seen.length, 4);
  });
});

Deno.test("HEAD is answered as GET is, without the body", async () => {
  await withProxiedApp(async ({ send, upstream }) => {
    const answer = await send(SESSION, { method: "HEAD" });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), "");
    assert.equal(upstream.seen[0]?.method, "GET");
  });
});

// ------------------------------------------------------------------------------------------------- Intrude

Deno.test("POST /users/{userId}/smssessions/{id} forwards Intrude and lets the supervisor in", async () => {
  await withProxiedApp(async ({ post, upstream, agents }) => {
    await (await post(SESSION, ACCEPT)).body?.cancel();
    const path = `/api/v2/users/2a6c/smssessions/${SESSION_ID}`;
    assert.equal(await statusOf(post(path, INTRUDE, "boss")), 200);
    assert.equal(upstream.seen[1]?.target, path);
    assert.equal(await agents(), "agent-1, boss");
  });
});

for (const body of [ACCEPT, { operationName: "Complete" }, { operationName: "AddAttachment" }]) {
  Deno.test(`POST /users/{userId}/smssessions/{id} refuses ${body.operationName}`, async () => {
    await withProxiedApp(async ({ post, upstream }) => {
      const answer = await post("/api/v2/users/2a6c/smssessions/1", body, "boss");
      assert.match((await assertProblem(answer, "invalid-parameter", 10)).detail, /Intrude/);
      assert.equal(upstream.seen.length, 0);
    });
  });
}

Deno.test("A supervisor who came by Intrude may operate the session", async () => {
  await withProxiedApp(async ({ post }) => {
    await (await post(SESSION, ACCEPT)).body?.cancel();
    const complete = { operationName: "Complete" };
    assert.equal(await statusOf(post(SESSION, complete, "boss")), 403);
    const path = `/api/v2/users/2a6c/smssessions/${SESSION_ID}`;
    assert.equal(await statusOf(post(path, INTRUDE, "boss")), 200);
    assert.equal(await statusOf(post(SESSION, complete, "boss")), 200);
  });
});

// ------------------------------------------------------------------------- spellings of the documentation's own

Deno.test("The collection spelled smsessions is the same, and upstream gets its real name", async () => {
  await withProxiedApp(async ({ post, send, upstream, agents }) => {
    const misspelled = SESSION.replace("smssessions", "smsessions");
    assert.equal(await statusOf(post(misspelled, ACCEPT)), 200);
    assert.equal(await statusOf(post(misspelled, ACCEPT, "agent-2")), 409);
    for (const path of ["/api/v2/me/smsessions", misspelled, `${misspelled}/messages?count=4`]) {
      assert.equal(await statusOf(send(path)), 200);
    }
    const users = `/api/v2/users/2a6c/smsessions/${SESSION_ID}`;
    assert.equal(await statusOf(post(users, INTRUDE, "boss")), 200);
    assert.equal(await agents(), "agent-1, boss");
    assert.deepEqual(upstream.seen.map(({ target }) => target), [
      SESSION,
      "/api/v2/me/smssessions",
      SESSION,
      `${SESSION}/messages?count=4`,
      users.replace("smsessions", "smssessions"),
    ]);
  });
});

for (const operationName of ["Invite", "Consult"]) {
  Deno.test(`${operationName} without /me, as its sample has it, is not found`, async () => {
    await withProxiedApp(async ({ post, upstream }) => {
      const body = { operationName, targetUri: "http://x/api/v2/users/1" };
      for (const collection of ["smssessions", "smsessions"]) {
        const path = `/api/v2/${collection}/${SESSION_ID}`;
        await assertProblem(await post(path, body), "not-found", 6);
      }
      assert.equal(upstream.seen.length, 0);
    });
  });
}

// Where the pages spell one thing in two ways, both go through unchanged.
const BOTH_WAYS = [
  { operationName: "InFocus" },
  { operationName: "SetInFocus" },
  { operationName: "SendStopTypingToAgentNotification" },
  { operationName: "SendStopTypingToAgentsNotification" },
  { operationName: "SendStartTypingToAgentNotification" },
  { operationName: "SendStartTypingToAgentsNotification" },
  { operationName: "Invite", userUri: "http://x/api/v2/contacts/1" },
  { operationName: "Invite", targetPath: "/users/1" },
];

for (const body of BOTH_WAYS) {
  Deno.test(`${JSON.stringify(body)} reaches upstream as it came, without a log line`, async () => {
    await withProxiedApp(async ({ post, upstream, log }) => {
      await (await post(SESSION, ACCEPT)).body?.cancel();
      assert.equal(await statusOf(post(SESSION, body)), 200);
      assert.deepEqual(JSON.parse(new TextDecoder().decode(upstream.seen[1]?.bytes)), body);
      assert.deepEqual(log.of("operation.unknown"), []);
    });
  });
}

Deno.test("A refused Intrude comes back verbatim", async () => {
  await withProxiedApp(async ({ post, say }) => {
    say(() => json(3, { status: 403 }));
    const answer = await post("/api/v2/users/2a6c/smssessions/1", INTRUDE, "boss");
    assert.equal(answer.status, 403);
    assert.deepEqual(await answer.json(), { statusCode: 3 });
  });
});
