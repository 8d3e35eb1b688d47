import assert from "node:assert/strict";
import { createTwilioSender } from "../../../../services/sms/twilio/client.ts";
import { judgeRefusal } from "../../../../services/sms/twilio/transport.ts";
import { startScriptedTwilio, twilioError } from "../../../support/scripted_twilio.ts";
import { neverAnswers } from "../../../support/never_answers.ts";
import { startKeepAliveServer, startRawServer } from "./raw_server.ts";

const ACCOUNT_SID = `AC${"0".repeat(32)}`;
const SID = `SM${"0123456789abcdef".repeat(2)}`;
const AUTH_TOKEN = "a-twilio-auth-token";
const TEXT = { to: "+16501111111", sender: { from: "+16502222222" }, body: "Grüße & 100% 🎉\n+x" };

function senderTo(apiUrl: URL | string, timeoutMs = 10_000, fetch = globalThis.fetch) {
  return createTwilioSender({
    accountSid: ACCOUNT_SID,
    authToken: AUTH_TOKEN,
    apiUrl: new URL(apiUrl),
    timeoutMs,
    fetch,
  });
}

Deno.test("send() creates the message at TWILIO_API_URL, signed in as the account, text unchanged", async () => {
  await using twilio = await startScriptedTwilio();
  const result = await senderTo(twilio.url).send(TEXT);
  const [message, ...more] = twilio.texts.items;
  assert.deepEqual(result, { kind: "taken", sid: message?.sid, status: "queued" });
  assert.equal(more.length, 0);
  const [request] = twilio.requests.items;
  assert.equal(request?.method, "POST");
  assert.equal(request?.path, `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`);
  assert.equal(message?.authorization, `Basic ${btoa(`${ACCOUNT_SID}:${AUTH_TOKEN}`)}`);
  assert.deepEqual(
    [message?.to, message?.from, message?.messagingServiceSid, message?.body],
    [TEXT.to, "+16502222222", null, TEXT.body],
  );
});

Deno.test("send() names the messaging service where that is the sender", async () => {
  await using twilio = await startScriptedTwilio();
  const pool = `MG${"1".repeat(32)}`;
  await senderTo(twilio.url).send({ ...TEXT, sender: { pool } });
  const [message] = twilio.texts.items;
  assert.deepEqual([message?.from, message?.messagingServiceSid], [null, pool]);
});

const REFUSALS: readonly (readonly [name: string, answer: () => Response, result: unknown])[] = [
  ["400 with a code", () => twilioError(400, 21211), {
    kind: "rejected",
    code: 21211,
    status: 400,
  }],
  ["401", () => twilioError(401, 20003), { kind: "rejected", code: 20003, status: 401 }],
  [
    "an error as of RFC 9457",
    () =>
      Response.json({ type: "about:blank", title: "No", status: 400, code: 21610 }, {
        status: 400,
      }),
    { kind: "rejected", code: 21610, status: 400 },
  ],
  [
    "404 from something that is not Twilio",
    () => new Response("<html>not here</html>", { status: 404 }),
    { kind: "rejected", code: null, status: 404 },
  ],
  ["429", () => twilioError(429, 20429), { kind: "rate-limited" }],
  [
    "429 with Retry-After",
    () => twilioError(429, 20429, { "retry-after": "3" }),
    { kind: "rate-limited", retryAfterMs: 3000 },
  ],
  [
    "500",
    () => twilioError(500, 20500),
    { kind: "ambiguous", reason: "answered with HTTP 500", status: 500 },
  ],
  [
    "503 without a body",
    () => new Response(null, { status: 503 }),
    { kind: "ambiguous", reason: "answered with HTTP 503", status: 503 },
  ],
  [
    "a redirect, which is not followed",
    () => new Response(null, { status: 307, headers: { location: "/elsewhere" } }),
    { kind: "ambiguous", reason: "answered with HTTP 307", status: 307 },
  ],
  [
    "201 that is not JSON",
    () => new Response("fine", { status: 201 }),
    { kind: "ambiguous", reason: "the answer names no message", status: 201 },
  ],
  [
    "201 without a sid",
    () => Response.json(null, { status: 201 }),
    { kind: "ambiguous", reason: "the answer names no message", status: 201 },
  ],
  [
    "201 on which the package stumbles",
    () => Response.json({ sid: SID, date_sent: { valueOf: 1, toString: 1 } }, { status: 201 }),
    { kind: "ambiguous", reason: "the twilio package failed: TypeError" },
  ],
];

for (const [name, answer, expected] of REFUSALS) {
  Deno.test(`send() asks once and tells what came of it: ${name}`, async () => {
    await using twilio = await startScriptedTwilio(answer);
    assert.deepEqual(await senderTo(twilio.url).send(TEXT), expected);
    assert.equal(twilio.requests.items.length, 1);
  });
}

const JUDGED: readonly (readonly [number, Record<string, unknown>, string | null, unknown])[] = [
  [400, { code: 20429 }, null, { kind: "rate-limited" }],
  [429, {}, "soon", { kind: "rate-limited" }],
  [429, {}, "0", { kind: "rate-limited", retryAfterMs: 0 }],
  [429, {}, "1.5", { kind: "rate-limited", retryAfterMs: 1_500 }],
  [429, {}, "-5", { kind: "rate-limited" }],
  [429, {}, "99999999999", { kind: "rate-limited", retryAfterMs: 99_999_999_999_000 }],
  [429, {}, "Sun, 22 Nov 2026 10:00:07 GMT", { kind: "rate-limited", retryAfterMs: 7_000 }],
  [429, {}, "Sun, 22 Nov 2026 09:00:00 GMT", { kind: "rate-limited", retryAfterMs: 0 }],
  [408, {}, null, { kind: "ambiguous", reason: "answered with HTTP 408", status: 408 }],
  [408, { code: 21000 }, null, { kind: "rejected", code: 21000, status: 408 }],
  [400, { code: "21211" }, null, { kind: "rejected", code: null, status: 400 }],
  [500, { code: 20429 }, "1", {
    kind: "ambiguous",
    reason: "answered with HTTP 500",
    status: 500,
  }],
];

for (const [status, body, retryAfter, expected] of JUDGED) {
  Deno.test(`judgeRefusal() of HTTP ${status} ${JSON.stringify(body)}, Retry-After ${retryAfter}`, () => {
    const nowMs = Date.parse("2026-11-22T10:00:00Z");
    assert.deepEqual(judgeRefusal(status, body, { retryAfter, nowMs }), expected);
  });
}

Deno.test("send() is ambiguous when no answer comes within the deadline", async () => {
  await using twilio = await startScriptedTwilio(neverAnswers);
  const result = await senderTo(twilio.url, 300).send(TEXT);
  assert.deepEqual(result, { kind: "ambiguous", reason: "no answer within 300 ms" });
  assert.equal(twilio.requests.items.length, 1);
});

Deno.test("send() is ambiguous when the answer's body does not end within the deadline", async () => {
  await using twilio = await startScriptedTwilio();
  twilio.faults.next("stall");
  const result = await senderTo(twilio.url, 300).send(TEXT);
  assert.deepEqual(result, { kind: "ambiguous", reason: "no answer within 300 ms" });
});

Deno.test("send() given up on the way is ambiguous, and not held up by a silent Twilio", async () => {
  const giveUp = new AbortController();
  await using twilio = await startScriptedTwilio((message) => {
    giveUp.abort();
    return neverAnswers(message);
  });
  const result = await senderTo(twilio.url).send({ ...TEXT, signal: giveUp.signal });
  assert.deepEqual(result, { kind: "ambiguous", reason: "given up while it was under way" });
});

Deno.test("send() given up before it begins sends nothing", async () => {
  await using twilio = await startScriptedTwilio();
  const result = await senderTo(twilio.url).send({ ...TEXT, signal: AbortSignal.abort() });
  assert.deepEqual(result, { kind: "not-sent", reason: "given up before it began" });
  assert.equal(twilio.requests.items.length, 0);
});

Deno.test("send() knows that a refused connection carried nothing", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(`http://127.0.0.1:${listener.addr.port}`);
  listener.close();
  const result = await senderTo(url).send(TEXT);
  assert.deepEqual(result, { kind: "not-sent", reason: "the connection was refused" });
});

Deno.test("send() knows that a failed TLS handshake carried nothing", async () => {
  await using raw = startRawServer("this is no TLS\r\n");
  const url = new URL(raw.url);
  url.protocol = "https:";
  const result = await senderTo(url).send(TEXT);
  assert.deepEqual(result, { kind: "not-sent", reason: "no connection could be made" });
});

Deno.test("send() knows that an unresolved name carried nothing", async () => {
  // As Deno's fetch tells it; asking a real resolver would leave the machine.
  const cause = new Error("error sending request: client error (Connect): dns error: not known");
  const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
  const result = await senderTo(new URL("https://twilio.invalid"), 1_000, fetch).send(TEXT);
  assert.deepEqual(result, { kind: "not-sent", reason: "the name was not resolved" });
});

const LOST: readonly (readonly [name: string, answer: string])[] = [
  ["closes without a word", ""],
  ["answers what is not HTTP", "garbage\r\n\r\n"],
  ["breaks off within the body", 'HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{"sid":'],
];

for (const [name, answer] of LOST) {
  Deno.test(`send() is ambiguous when the other side ${name}`, async () => {
    await using raw = startRawServer(answer);
    const result = await senderTo(raw.url).send(TEXT);
    assert.deepEqual(result, { kind: "ambiguous", reason: "the connection was lost" });
    assert.equal(raw.requests(), 1);
  });
}

Deno.test("send() never goes out twice, even when a server that keeps connections drops one", async () => {
  const created = JSON.stringify({ sid: SID, status: "queued" });
  const ok = `HTTP/1.1 201 Created\r\ncontent-length: ${created.length}\r\n\r\n${created}`;
  await using raw = startKeepAliveServer((request) =>
    request === 2 ? { answer: "", close: true } : { answer: ok, close: false }
  );
  const sender = senderTo(raw.url);
  assert.equal((await sender.send(TEXT)).kind, "taken");
  assert.deepEqual(await sender.send(TEXT), {
    kind: "ambiguous",
    reason: "the connection was lost",
  });
  assert.equal(raw.requests(), 2);
});

Deno.test("send() puts no number, text or token into any result", async () => {
  const results: unknown[] = [];
  for (const answer of [() => twilioError(400, 21211), () => twilioError(500, 20500)]) {
    await using twilio = await startScriptedTwilio(answer);
    results.push(await senderTo(twilio.url).send(TEXT));
  }
  await using raw = startRawServer(`garbage ${TEXT.to} ${AUTH_TOKEN}\r\n\r\n`);
  results.push(await senderTo(raw.url).send(TEXT));
  const said = JSON.stringify(results);
  for (const secret of ["6501111111", "6502222222", "Grüße", AUTH_TOKEN, ACCOUNT_SID]) {
    assert.ok(!said.includes(secret), `${said} holds ${secret}`);
  }
});

Deno.test("send() through an account that is none sends nothing and says so", async () => {
  const sender = createTwilioSender({
    accountSid: "nonsense",
    authToken: AUTH_TOKEN,
    apiUrl: new URL("http://127.0.0.1:9"),
    timeoutMs: 1_000,
    fetch: () => assert.fail("nothing is to be sent"),
  });
  const result = await sender.send(TEXT);
  assert.deepEqual(result, {
    kind: "not-sent",
    reason: "the twilio package cannot be used: Error",
  });
});

/** Of what stands in the environment the package takes an edge and a region. */
const ELSEWHERE = { TWILIO_EDGE: "debug", TWILIO_REGION: "debug", TWILIO_LOG_LEVEL: "debug" };

const KEEPING_PROGRAM = `
  import { createTwilioSender } from ${moduleUrl("client.ts")};
  const asked = [];
  const fetch = (input) => {
    asked.push(String(input));
    return Promise.resolve(
      Response.json({ sid: ${JSON.stringify(SID)}, status: "queued" }, { status: 201 }),
    );
  };
  const twilio = createTwilioSender({
    accountSid: ${JSON.stringify(ACCOUNT_SID)}, authToken: "t", timeoutMs: 10_000,
    apiUrl: new URL("https://api.twilio.com"), fetch,
  });
  await twilio.send(${JSON.stringify(TEXT)});
  console.log(JSON.stringify(asked));
`;

Deno.test("send() keeps to TWILIO_API_URL whatever edge and region the environment names", async () => {
  assert.deepEqual(await runProgram(KEEPING_PROGRAM, ["--allow-env"], [], ELSEWHERE), [
    `https://api.twilio.com/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`,
  ]);
});

// The package enumerates the environment when it is imported, so a process that may not read it shows by that whether
// the import happened.
const LAZY_PROGRAM = `
  import { createTwilioSender } from ${moduleUrl("client.ts")};
  import { createSmsSink } from ${moduleUrl("../sms_sink.ts")};
  const twilio = createTwilioSender({
    accountSid: ${JSON.stringify(ACCOUNT_SID)}, authToken: "t", timeoutMs: 1000,
    apiUrl: new URL("http://127.0.0.1:9"), fetch,
  });
  createSmsSink({ twilio });
  const request = ${JSON.stringify(TEXT)};
  console.log(JSON.stringify(Deno.args[0] === "send" ? await twilio.send(request) : "built"));
`;

const runWithoutEnvironment = (arg: string) =>
  runProgram(LAZY_PROGRAM, ["--allow-net=127.0.0.1"], [arg]);

/** What the program prints, as JSON. It is a process of its own, because an environment belongs to a whole process. */
async function runProgram(
  text: string,
  permissions: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(file, text);
    const config = new URL("../../../../deno.json", import.meta.url).pathname;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", ...permissions, "--config", config, file, ...args],
      env,
    }).output();
    const printed = new TextDecoder().decode(stdout);
    assert.notEqual(printed, "", new TextDecoder().decode(stderr));
    return JSON.parse(printed);
  } finally {
    await Deno.remove(file);
  }
}

/** As it is written in an import. */
function moduleUrl(file: string): string {
  return JSON.stringify(import.meta.resolve(`../../../../services/sms/twilio/${file}`));
}

Deno.test("a process that never sends never imports the twilio package", async () => {
  assert.equal(await runWithoutEnvironment("build"), "built");
});

Deno.test("the first send imports it: without permission to read the environment nothing leaves", async () => {
  assert.deepEqual(await runWithoutEnvironment("send"), {
    kind: "not-sent",
    reason: "the twilio package cannot be used: NotCapable",
  });
});
