import assert from "node:assert/strict";
import {
  endOfReply,
  endOfSubscriptions,
  type JudgedReply,
} from "../../../../services/following/cometd/session_end.ts";

const failed = (status: number | null, isCsrfRefusal = false) => ({
  reason: status === null ? "not reached" : `status ${status}`,
  status,
  isCsrfRefusal,
});

for (const channel of ["/meta/handshake", "/meta/subscribe", "/meta/connect"]) {
  for (
    const [what, failure, expected] of [
      ["HTTP 401", failed(401), { kind: "refused", why: "status 401" }],
      ["HTTP 403", failed(403), { kind: "refused", why: "status 403" }],
      ["HTTP 403 for its CSRF token", failed(403, true), { kind: "csrf" }],
      ["HTTP 500", failed(500), { kind: "failed", why: "status 500" }],
      ["HTTP 302", failed(302), { kind: "failed", why: "status 302" }],
      ["nothing", failed(null), { kind: "failed", why: "not reached" }],
    ] as const
  ) {
    Deno.test(`${channel} answered with ${what}: ${expected.kind}`, () => {
      const reply = { channel, successful: false, failure };
      // Whatever the client makes of it.
      for (const plan of [undefined, { action: "retry" }, { action: "none" }]) {
        assert.deepEqual(endOfReply(reply, plan), expected);
      }
    });
  }
}

for (
  const [channel, reconnect, expected] of [
    ["/meta/handshake", undefined, null],
    ["/meta/handshake", "retry", null],
    ["/meta/handshake", "handshake", { kind: "lost" }],
    ["/meta/handshake", "none", { kind: "dismissed", why: "advice none on /meta/handshake" }],
    ["/meta/connect", undefined, null],
    ["/meta/connect", "retry", null],
    ["/meta/connect", "handshake", { kind: "lost" }],
    ["/meta/connect", "none", { kind: "dismissed", why: "advice none on /meta/connect" }],
    ["/meta/subscribe", undefined, null],
    ["/meta/subscribe", "retry", null],
    ["/meta/subscribe", "handshake", { kind: "lost" }],
    ["/meta/subscribe", "none", null],
  ] as const
) {
  Deno.test(`a successful ${channel} with the advice ${reconnect ?? "of none"}: ${expected?.kind ?? "goes on"}`, () => {
    const advice = reconnect === undefined ? {} : { advice: { reconnect } };
    assert.deepEqual(endOfReply({ channel, successful: true, ...advice }), expected);
  });
}

for (
  const [channel, error, advice, action, expected] of [
    ["/meta/handshake", "403::denied", "none", "none", "dismissed"],
    ["/meta/handshake", "401::who", "retry", "retry", "refused"],
    ["/meta/handshake", "403::denied", undefined, "handshake", "refused"],
    ["/meta/handshake", "500::busy", "retry", "retry", "failed"],
    ["/meta/handshake", undefined, undefined, "handshake", "failed"],
    ["/meta/connect", "403::denied", "none", "none", "dismissed"],
    ["/meta/connect", "402::Unknown client", "handshake", "handshake", "lost"],
    ["/meta/connect", "402::Unknown client", undefined, "retry", "lost"],
    ["/meta/connect", "403:x:unknown", undefined, "retry", "lost"],
    ["/meta/connect", "402::Unknown client", "retry", "retry", null],
    ["/meta/connect", "401::who", undefined, "retry", null],
    ["/meta/connect", "500::busy", "retry", "retry", null],
    ["/meta/connect", undefined, undefined, "retry", null],
    ["/meta/connect", undefined, undefined, "handshake", "lost"],
  ] as const
) {
  Deno.test(`an unsuccessful ${channel}, error ${error}, advice ${advice}, where the client plans ${action}: ${expected ?? "goes on"}`, () => {
    const reply: JudgedReply = {
      channel,
      successful: false,
      ...(error === undefined ? {} : { error }),
      ...(advice === undefined ? {} : { advice: { reconnect: advice } }),
    };
    assert.equal(endOfReply(reply, { action })?.kind ?? null, expected);
  });
}

Deno.test("why a session was dismissed is told by the server's error, else by the client's word for it", () => {
  const reply = { channel: "/meta/connect", successful: false };
  const plan = { action: "none", cause: "transport" };
  assert.deepEqual(endOfReply({ ...reply, error: "403::denied" }, plan), {
    kind: "dismissed",
    why: "/meta/connect: 403::denied",
  });
  assert.deepEqual(endOfReply(reply, plan), {
    kind: "dismissed",
    why: "/meta/connect: transport",
  });
  assert.deepEqual(endOfReply(reply, { action: "none" }), {
    kind: "dismissed",
    why: "/meta/connect: unsuccessful",
  });
});

for (
  const [channels, refused, expected] of [
    [1, 0, null],
    [2, 1, null],
    [1, 1, { kind: "refused", why: "no subscription was granted" }],
    [2, 2, { kind: "refused", why: "no subscription was granted" }],
  ] as const
) {
  Deno.test(`${refused} of ${channels} subscriptions turned down: ${expected?.kind ?? "goes on"}`, () => {
    assert.deepEqual(endOfSubscriptions(channels, refused), expected);
  });
}
