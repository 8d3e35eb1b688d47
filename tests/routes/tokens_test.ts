import assert from "node:assert/strict";
import { LATEST_EXP_S } from "../../services/auth/token_check.ts";
import { tokenIdOf } from "../../services/auth/revocations.ts";
import { createTokenDesk } from "../../services/auth/token_desk.ts";
import { StoreUnavailable } from "../../services/errors.ts";
import { tokenRoutes } from "../../routes/tokens.ts";
import { craftToken } from "../../simulator/kit/tokens.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { appOf, createTestGuards, problemOf } from "./management_app.ts";

const MARGIN_MS = 10 * 60_000;

async function createTokenApp({ away = false } = {}) {
  const { guards, as } = await createTestGuards();
  const log = createMemoryLog();
  const revoked: { readonly tokenId: string; readonly untilMs: number }[] = [];
  const revocations = {
    revoke(tokenId: string, untilMs: number) {
      if (away) return Promise.reject(new StoreUnavailable("revoke the token"));
      revoked.push({ tokenId, untilMs });
      return Promise.resolve();
    },
  };
  const app = appOf(tokenRoutes({ guards, tokenDesk: createTokenDesk({ revocations, log }) }));
  const revoke = async (path: string, body?: unknown, scope = "tokens:revoke") =>
    await app.request(`/v1/tokens/${path}`, {
      method: "DELETE",
      headers: await as("admin", scope),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return { revoke, revoked, log, app };
}

Deno.test("DELETE /v1/tokens/{jti} revokes a token until its exp and the most that clocks differ", async () => {
  const { revoke, revoked, log } = await createTokenApp();
  const expS = 1_795_345_200;
  const ways = [[`abc?exp=${expS}&reason=lost`], ["abc", { exp: expS, reason: "lost" }]] as const;
  for (const [path, body] of ways) {
    const answer = await revoke(path, body);
    assert.equal(answer.status, 204);
    assert.equal(await answer.text(), "");
  }
  const expected = { tokenId: tokenIdOf("abc"), untilMs: expS * 1_000 + MARGIN_MS };
  assert.deepEqual(revoked, [expected, expected]);
  assert.deepEqual(log.of("token.revoked").map(({ fields }) => fields)[0], {
    jti: "abc",
    agentId: "admin",
    reason: "lost",
    expiresAt: "2026-11-22T11:00:00.000Z",
  });
});

Deno.test("a token whose exp nobody tells is revoked for as long as any may live", async () => {
  const { revoke, revoked } = await createTokenApp();
  for (const body of [undefined, {}, { exp: null, reason: null }]) await revoke("abc", body);
  const expected = { tokenId: tokenIdOf("abc"), untilMs: LATEST_EXP_S * 1_000 + MARGIN_MS };
  assert.deepEqual(revoked, [expected, expected, expected]);
});

const JTIS = ["a", "urn:uuid:7c1f", "a b", "ä/ö?#%", "😀", "x".repeat(2_000), "a.b", "%41"];
Deno.test("the log shows no telephone number that somebody gives for a jti or a reason", async () => {
  const { revoke, log } = await createTokenApp();
  assert.equal((await revoke("%2B15551234567?reason=called+from+%2B15551234567")).status, 204);
  const { jti, reason } = log.of("token.revoked")[0]?.fields ?? {};
  assert.deepEqual({ jti, reason }, { jti: "…4567", reason: "called from …4567" });
});

for (const jti of JTIS) {
  Deno.test(`DELETE /v1/tokens/{jti} takes the jti ${jti.slice(0, 16)}`, async () => {
    const { revoke, revoked, log } = await createTokenApp();
    assert.equal((await revoke(encodeURIComponent(jti))).status, 204);
    assert.deepEqual(revoked.map(({ tokenId }) => tokenId), [tokenIdOf(jti)]);
    assert.ok(String(log.of("token.revoked")[0]?.fields.jti).length <= 65, "the log cuts it");
  });
}

const REFUSED: readonly [path: string, body: unknown, code: string, detail: RegExp][] = [
  [craftToken({ alg: "EdDSA" }, { jti: "abc" }, "AAAA"), undefined, "invalid-parameter", /jti/],
  ["abc?exp=soon", undefined, "invalid-parameter", /exp/],
  ["abc?exp=-1", undefined, "invalid-parameter", /exp/],
  ["abc?exp=1e9", undefined, "invalid-parameter", /exp/],
  [`abc?exp=${LATEST_EXP_S + 1}`, undefined, "invalid-parameter", /exp/],
  ["abc?exp=", undefined, "invalid-parameter", /exp/],
  ["abc", { exp: "1795345200" }, "invalid-parameter", /exp/],
  ["abc", { exp: -1 }, "invalid-parameter", /exp/],
  ["abc", { exp: [1] }, "invalid-parameter", /exp/],
  ["abc", { reason: "" }, "invalid-parameter", /reason/],
  ["abc", { reason: "x".repeat(257) }, "invalid-parameter", /reason/],
  ["abc", { reason: 7 }, "invalid-parameter", /reason/],
  ["abc", [], "invalid-body", /JSON object/],
  ["abc", "x", "invalid-body", /JSON object/],
];
for (const [path, body, code, detail] of REFUSED) {
  const sent = JSON.stringify(body)?.slice(0, 40) ?? "no body";
  Deno.test(`DELETE /v1/tokens/${path} with ${sent} is ${code}`, async () => {
    const { revoke, revoked } = await createTokenApp();
    const problem = await problemOf(await revoke(path, body));
    assert.equal(problem.code, code);
    assert.match(problem.detail, detail);
    assert.deepEqual(revoked, []);
  });
}

Deno.test("DELETE /v1/tokens/{jti} is for the scope tokens:revoke alone", async () => {
  const { revoke, revoked, app } = await createTokenApp();
  for (const scope of ["", "sms:supervise webhooks:write", "tokens:revoked", "tokens"]) {
    assert.equal((await problemOf(await revoke("abc", {}, scope))).code, "insufficient-scope");
  }
  const stranger = await app.request("/v1/tokens/abc", { method: "DELETE" });
  assert.equal((await problemOf(stranger)).code, "unauthenticated");
  assert.deepEqual(revoked, []);
});

Deno.test("DELETE /v1/tokens/{jti} says so where it could not be written down", async () => {
  const { revoke, log } = await createTokenApp({ away: true });
  assert.equal((await problemOf(await revoke("abc"))).code, "store-unavailable");
  assert.equal(log.of("token.revoked").length, 0);
});
