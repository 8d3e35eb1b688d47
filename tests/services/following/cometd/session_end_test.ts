import assert from "node:assert/strict";
import {
  endOfFarewell,
  endOfReply,
  endOfSubscriptions,
  type JudgedReply,
  judgeSubscription,
} from "../../../../services/following/cometd/session_end.ts";

const failed = (status: number | null, isCsrfRefusal = false, retryAfterMs: number | null = null) =>
  ({
    reason: status === null ? "not reached" : `status ${status}`,
    status,
    isCsrfRefusal,
    retryAfterMs,
  }) as const;

for (
  const [what, failure, expected] of [
    ["HTTP 401", failed(401), { kind: "refused", why: "status 401" }],
    ["HTTP 403", failed(403), { kind: "refused", why: "status 403" }],
    ["HTTP 403 for its CSRF token", failed(403, true), { kind: "csrf" }],
    ["HTTP 302", failed(302), { kind: "failed", why: "status 302" }],
    ["HTTP 400", failed(400), { kind: "failed", why: "status 400" }],
    ["HTTP 404", failed(404), { kind: "failed", why: "status 404" }],
    ["HTTP 408", failed(408), { kind: "failed", why: "status 408" }],
    ["HTTP 500", failed(500), { kind: "failed", why: "status 500" }],
    ["HTTP 429 and Retry-After", failed(429, false, 7_000), {
      kind: "failed",
      why: "status 429",
      retryAfterMs: 7_000,
    }],
    ["HTTP 503 and Retry-After", failed(503, false, 7_000), {
      kind: "failed",
      why: "status 503",
      retryAfterMs: 7_000,
    }],
    ["nothing", failed(null), { kind: "failed", why: "not reached" }],
  ] as const
) {
  Deno.test(`any channel answered with ${what}: ${expected.kind}`, () => {
    for (const channel of ["/meta/handshake", "/meta/connect"]) {
      const reply = { channel, successful: false, failure };
      // Whatever the client makes of it.
      for (const plan of [undefined, { action: "retry" }, { action: "none" }]) {
        assert.deepEqual(endOfReply(reply, plan), expected);
      }
    }
    assert.deepEqual(
      judgeSubscription({ channel: "/meta/subscribe", successful: false, failure }),
      expected,
    );
  });
}

function reply(channel: string, successful: boolean, error: unknown, advice: string | undefined) {
  return {
    channel,
    successful,
    ...(error === undefined ? {} : { error }),
    ...(advice === undefined ? {} : { advice: { reconnect: advice } }),
  } satisfies JudgedReply;
}

for (
  const [advice, expected] of [
    [undefined, null],
    ["retry", null],
    ["handshake", "lost"],
    ["none", "dismissed"],
  ] as const
) {
  Deno.test(`a successful reply with the advice ${advice ?? "of none"}: ${expected ?? "goes on"}`, () => {
    for (const channel of ["/meta/handshake", "/meta/connect"]) {
      const end = endOfReply(reply(channel, true, undefined, advice));
      assert.equal(end?.kind ?? null, expected);
    }
    const verdict = judgeSubscription(reply("/meta/subscribe", true, undefined, advice));
    assert.equal(typeof verdict === "object" ? verdict.kind : verdict, expected ?? "granted");
  });
}

const ALL = [undefined, "retry", "handshake", "none"] as const;

for (
  const [channel, error, advices, expected] of [
    ["/meta/handshake", "402::session_unknown", ALL, "lost"],
    [
      "/meta/handshake",
      "401::Authentication invalid",
      [undefined, "retry", "handshake"],
      "refused",
    ],
    ["/meta/handshake", "403::handshake_denied", [undefined, "retry", "handshake"], "refused"],
    ["/meta/handshake", "403::handshake_denied", ["none"], "dismissed"],
    ["/meta/handshake", "401::Authentication invalid", ["none"], "dismissed"],
    ["/meta/handshake", "301:websocket:Connection types not supported", [undefined], "failed"],
    ["/meta/handshake", "400::bad request", [undefined, "retry", "handshake"], "failed"],
    ["/meta/handshake", "409::conflict", [undefined, "retry", "handshake"], "failed"],
    ["/meta/handshake", "500::busy", [undefined, "retry", "handshake"], "failed"],
    ["/meta/handshake", "500::busy", ["none"], "dismissed"],
    ["/meta/handshake", undefined, [undefined, "retry", "handshake"], "failed"],

    ["/meta/connect", "402::Unknown client", ALL, "lost"],
    ["/meta/connect", "402::session_unknown", ALL, "lost"],
    ["/meta/connect", "402", ALL, "lost"],
    ["/meta/connect", 402, ALL, "lost"],
    ["/meta/connect", "403::Unknown client", ALL, "lost"],
    ["/meta/connect", "403:x:denied", ALL, "lost"],
    ["/meta/connect", "401:2p1k:Unknown client", ALL, "lost"],
    ["/meta/connect", "401::Authentication invalid", [undefined, "retry"], "refused"],
    ["/meta/connect", "401::Authentication invalid", ["handshake"], "lost"],
    ["/meta/connect", "401::Authentication invalid", ["none"], "dismissed"],
    ["/meta/connect", "4020::no such code", [undefined, "retry"], null],
    ["/meta/connect", "400::bad request", [undefined, "retry"], null],
    ["/meta/connect", "404::gone", [undefined, "retry"], null],
    ["/meta/connect", "408::timeout", [undefined, "retry"], null],
    ["/meta/connect", "409::conflict", [undefined, "retry"], null],
    ["/meta/connect", "500::busy", [undefined, "retry"], null],
    ["/meta/connect", "500::busy", ["handshake"], "lost"],
    ["/meta/connect", "500::busy", ["none"], "dismissed"],
    ["/meta/connect", undefined, [undefined, "retry"], null],
    ["/meta/connect", undefined, ["handshake"], "lost"],
    ["/meta/connect", undefined, ["none"], "dismissed"],
    ["/meta/connect", { toString: "no text" }, ["none"], "dismissed"],

    ["/meta/subscribe", "402::session_unknown", ALL, "lost"],
    ["/meta/subscribe", "402:clientId:Missing required parameter", ALL, "lost"],
    ["/meta/subscribe", "403::Unknown client", ALL, "lost"],
    ["/meta/subscribe", "401:2p1k:Unknown client", ALL, "lost"],
    ["/meta/subscribe", "401::Authentication invalid", [undefined, "retry", "none"], "refused"],
    ["/meta/subscribe", "401::Authentication invalid", ["handshake"], "lost"],
    ["/meta/subscribe", "403::subscribe_denied", [undefined, "retry", "none"], "one channel"],
    ["/meta/subscribe", "403:/v2/me:Forbidden channel", [undefined], "one channel"],
    ["/meta/subscribe", "403::subscribe_denied", ["handshake"], "lost"],
    ["/meta/subscribe", "404::unknown channel", [undefined, "retry", "none"], "one channel"],
    ["/meta/subscribe", "400::no such topic", [undefined, "retry", "none"], "one channel"],
    ["/meta/subscribe", "408::timeout", [undefined, "retry", "none"], "failed"],
    ["/meta/subscribe", "409::conflict", [undefined, "retry", "none"], "failed"],
    ["/meta/subscribe", "500::busy", [undefined, "retry", "none"], "failed"],
    ["/meta/subscribe", undefined, [undefined, "retry", "none"], "one channel"],
  ] as const
) {
  const told = typeof error === "object" ? "an object" : error;
  for (const advice of advices) {
    Deno.test(`an unsuccessful ${channel}, error ${told}, advice ${advice}: ${expected ?? "goes on"}`, () => {
      const judged = reply(channel, false, error, advice);
      assert.equal(judge(judged), expected);
    });
  }
}

function judge(judged: JudgedReply): string | null {
  if (judged.channel !== "/meta/subscribe") {
    // Without an advice the client goes by the one that it remembers.
    return endOfReply(judged, { action: judged.advice?.reconnect ?? "retry" })?.kind ?? null;
  }
  const verdict = judgeSubscription(judged);
  if (typeof verdict === "object") return verdict.kind;
  return verdict === "refused" ? "one channel" : verdict;
}

Deno.test("without an advice of its own a connect's reply is judged by the advice that the client remembers", () => {
  const busy = reply("/meta/connect", false, "500::busy", undefined);
  assert.equal(endOfReply(busy, { action: "none" })?.kind, "dismissed");
  assert.equal(endOfReply(busy, { action: "handshake" })?.kind, "lost");
  const retry = reply("/meta/connect", false, "500::busy", "retry");
  assert.equal(endOfReply(retry, { action: "none" }), null);
});

Deno.test("a lost session remembers that the server advised not to come back", () => {
  for (const [advice, isUnwelcome] of [["none", true], ["retry", false], [undefined, false]]) {
    const end = endOfReply(reply("/meta/connect", false, "402::x", advice as string | undefined));
    assert.deepEqual(end, { kind: "lost", why: "/meta/connect: 402::x", isUnwelcome });
  }
  assert.equal(endOfFarewell(false).kind, "lost");
});

Deno.test("why a session was dismissed is told by the server's error, else by the client's word for it", () => {
  const dismissed = { channel: "/meta/connect", successful: false };
  const plan = { action: "none", cause: "transport" };
  assert.deepEqual(endOfReply({ ...dismissed, error: "401::denied" }, plan), {
    kind: "dismissed",
    why: "/meta/connect: 401::denied",
  });
  assert.deepEqual(endOfReply(dismissed, plan), {
    kind: "dismissed",
    why: "/meta/connect: transport",
  });
  assert.deepEqual(endOfReply(dismissed, { action: "none" }), {
    kind: "dismissed",
    why: "/meta/connect: unsuccessful",
  });
});

for (
  const [channels, refused, expected] of [
    [1, [], null],
    [2, ["403::a"], null],
    [1, ["403::a"], { kind: "refused", why: "no subscription was granted (403::a)" }],
    [2, ["403::a", "404::b"], { kind: "refused", why: "no subscription was granted (403::a)" }],
  ] as const
) {
  Deno.test(`${refused.length} of ${channels} subscriptions turned down: ${expected?.kind ?? "goes on"}`, () => {
    assert.deepEqual(endOfSubscriptions(channels, refused), expected);
  });
}
