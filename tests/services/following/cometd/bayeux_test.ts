import assert from "node:assert/strict";
import { MAX_ADVICE_MS, readBayeuxAnswer } from "../../../../services/following/cometd/bayeux.ts";

Deno.test("an answer is an array of messages or a single one", () => {
  const message = { channel: "/meta/connect", id: "3", successful: true };
  for (const json of [[message], message]) {
    assert.deepEqual(readBayeuxAnswer(JSON.stringify(json)), { messages: [message], malformed: 0 });
  }
});

for (const text of ["", "<html>", "nonsense", "[".repeat(100_000)]) {
  Deno.test(`${JSON.stringify(text.slice(0, 10))} is no answer`, () => {
    assert.equal(readBayeuxAnswer(text), null);
  });
}

Deno.test("members that are no messages are left out and counted, the others stay in order", () => {
  const messages = [null, 7, "x", [], {}, { channel: 7 }, { channel: "x" }];
  const good = { channel: "/a" };
  assert.deepEqual(readBayeuxAnswer(JSON.stringify([good, ...messages, good])), {
    messages: [good, good],
    malformed: messages.length,
  });
});

Deno.test("a notification's data stays the same in its numbers, its order and its spelling", () => {
  const data = '{"exact":12345678901234567890,"one":1.0,"text":"\\u00e9","10":1,"9":2}';
  const answer = readBayeuxAnswer(`[{"channel":"/v2/me/x","data":${data}}]`);
  assert.equal(answer?.messages[0]?.data, data);
});

for (
  const [what, advice, expected] of [
    ["as it is", { reconnect: "retry", interval: 5, timeout: 7 }, {
      reconnect: "retry",
      interval: 5,
      timeout: 7,
    }],
    ["less what the protocol does not know", { reconnect: "later", hosts: ["x"] }, {}],
    ["less waits that are no numbers", { interval: "soon", timeout: -1 }, {}],
    ["with waits that end", { interval: 1e12 }, { interval: MAX_ADVICE_MS }],
    ["with the word that there are several", { "multiple-clients": true, interval: 2_000 }, {
      "multiple-clients": true,
      interval: 2_000,
    }],
  ] as const
) {
  Deno.test(`an advice is taken ${what}`, () => {
    const answer = readBayeuxAnswer(JSON.stringify([{ channel: "/meta/connect", advice }]));
    assert.deepEqual(answer?.messages[0]?.advice, expected);
  });
}

Deno.test("a handshake that succeeds without a client id has not succeeded", () => {
  const shake = (members: object) =>
    readBayeuxAnswer(JSON.stringify({ channel: "/meta/handshake", successful: true, ...members }))
      ?.messages[0]?.["successful"];
  assert.equal(shake({}), false);
  assert.equal(shake({ clientId: 7 }), false);
  assert.equal(shake({ clientId: "x" }), true);
});

Deno.test("a handshake promises no messages, as the client would wait for them", () => {
  const reply = { channel: "/meta/handshake", successful: true, clientId: "x", "x-messages": 3 };
  const message = readBayeuxAnswer(JSON.stringify(reply))?.messages[0];
  assert.ok(message !== undefined && !("x-messages" in message));
  assert.deepEqual(message["supportedConnectionTypes"], ["long-polling"]);
});

Deno.test("a server cannot pretend that an exchange has failed", () => {
  const reply = { channel: "/meta/connect", successful: false, failure: { status: 401 } };
  assert.deepEqual(readBayeuxAnswer(JSON.stringify([reply]))?.messages, [
    { channel: "/meta/connect", successful: false },
  ]);
});

Deno.test("a message that two readers could understand differently is left out and counted", () => {
  const good = '{"channel":"/a","data":{}}';
  const nested = "[".repeat(64) + "]".repeat(64);
  const bad = [
    '{"channel":"/a","channel":"/meta/connect"}',
    '{"channel":"/a","data":{"x":[{"y":1,"\\u0079":2}]}}',
    `{"channel":"/a","data":${nested}}`,
  ];
  const answer = readBayeuxAnswer(`[${[good, ...bad, good].join(",")}]`);
  assert.deepEqual(answer?.messages.map(({ channel, data }) => [channel, data]), [
    ["/a", "{}"],
    ["/a", "{}"],
  ]);
  assert.equal(answer?.malformed, bad.length);
});
