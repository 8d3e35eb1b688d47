import assert from "node:assert/strict";
import {
  disposeToken,
  keepToken,
  type TokenHolder,
} from "../../../../services/following/assignment/agent_token.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";

function start() {
  const clock = createVirtualClock();
  const user: TokenHolder = { token: null };
  let expiries = 0;
  return {
    clock,
    user,
    expiries: () => expiries,
    keep: (authorization: string, lifetimeMs: number | null) =>
      keepToken(
        user,
        { authorization, expiresAtMs: lifetimeMs === null ? null : clock.now() + lifetimeMs },
        { clock, onExpired: () => expiries++ },
      ),
  };
}

for (
  const [what, first, second, isKept] of [
    ["one that ends later takes its place", 1_000, 2_000, true],
    ["one that ends at the same time takes its place", 1_000, 1_000, true],
    ["one whose end is not known takes its place", 1_000, null, true],
    ["one that ends sooner is older, and does not", 2_000, 1_000, false],
    ["one with an end does not take the place of one without", null, 1_000, false],
  ] as const
) {
  Deno.test(`of two tokens, ${what}`, () => {
    const { keep, user } = start();
    assert.equal(keep("first", first), true);
    assert.equal(keep("second", second), isKept);
    assert.equal(user.token?.authorization, isKept ? "second" : "first");
  });
}

Deno.test("the same token with a later end prolongs it and is no other", () => {
  const { keep, clock, expiries, user } = start();
  keep("token", 1_000);
  assert.equal(keep("token", 2_000), false);
  clock.advance(1_999);
  assert.equal(expiries(), 0);
  clock.advance(1);
  assert.deepEqual([expiries(), user.token], [1, null]);
});

Deno.test("disposeToken() leaves no timer behind", () => {
  const { keep, clock, user } = start();
  disposeToken(user);
  keep("token", 1_000);
  disposeToken(user);
  assert.equal(clock.pending(), 0);
});
