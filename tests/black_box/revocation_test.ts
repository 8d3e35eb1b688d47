import assert from "node:assert/strict";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import { startPatchbayProcess } from "../support/patchbay_process.ts";
import { type Client, createClient } from "./client.ts";
import { assertProblem } from "./problem.ts";
import { openRedis, openSqliteFile, openUpstash, type TestStore } from "./stores.ts";
import { startWorld } from "./world.ts";

const HONOURED_WITHIN_MS = 2_000;

const STORES: readonly { name: string; open: () => Promise<TestStore>; ignore: boolean }[] = [
  { name: "SQLite", open: openSqliteFile, ignore: false },
  { name: "Redis", open: openRedis, ignore: ignoredWithoutRedis() },
  { name: "Upstash", open: openUpstash, ignore: ignoredWithoutRedis() },
];

/** Asks until the token is refused; whoever asks 2 s after its revocation or later has to be. */
async function assertRefusedInTime(holder: Client, revokedAtMs: number): Promise<void> {
  for (;;) {
    const askedAtMs = performance.now();
    const answer = await holder.get("/v1/sessions");
    if (answer.status === 401) {
      assertProblem(answer, "unauthenticated");
      assert.match(answer.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
      return;
    }
    const afterMs = askedAtMs - revokedAtMs;
    assert.ok(afterMs < HONOURED_WITHIN_MS, `taken ${afterMs} ms after it was revoked`);
  }
}

for (const { name, open, ignore } of STORES) {
  Deno.test({
    name:
      `${name}: a token that is revoked is refused by every instance within 2 s, and after a new start`,
    ignore,
    async fn() {
      await using store = await open();
      await using world = await startWorld(store);
      await using other = await startPatchbayProcess(world.env);
      const exp = Math.floor(Date.now() / 1000) + 600;
      const claims = { sub: "agent-1", scope: "sessions:read", exp };
      const stolen = await world.key.sign({ ...claims, jti: "stolen/1" });
      const kept = await world.key.sign({ ...claims, jti: "kept" });
      const manager = world.caller(await world.key.sign({ sub: "boss", scope: "tokens:revoke" }));
      const here = world.caller(stolen);
      const there = createClient(() => other.url, stolen);
      for (const holder of [here, there]) {
        assert.equal((await holder.get("/v1/sessions")).status, 200);
      }

      const path = `/v1/tokens/${encodeURIComponent("stolen/1")}?exp=${exp}`;
      assertProblem(await here.send(path, { method: "DELETE" }), "insufficient-scope");
      assert.equal((await manager.send(path, { method: "DELETE" })).status, 204);
      const revokedAtMs = performance.now();
      assertProblem(await here.get("/v1/sessions"), "unauthenticated");
      await assertRefusedInTime(there, revokedAtMs);
      for (const url of [() => world.patchbay.url, () => other.url]) {
        assert.equal((await createClient(url, kept).get("/v1/sessions")).status, 200);
      }
      const refusal = await other.log.until(
        "a refusal",
        (lines) => lines.find((line) => line["refusal"] !== undefined)?.["refusal"],
      );
      assert.equal(refusal, "revoked");

      await world.patchbay.kill();
      await world.startAnew();
      assertProblem(await here.get("/v1/sessions"), "unauthenticated");
      assert.equal(
        (await manager.send(path, { method: "DELETE" })).status,
        204,
        "again is as once",
      );
    },
  });
}

Deno.test({
  name:
    "while the store is away, what is known of revoked tokens goes on counting, and nothing can be revoked",
  ignore: ignoredWithoutRedis(),
  async fn() {
    await using store = await openRedis();
    await using world = await startWorld(store);
    const claims = { sub: "agent-1", scope: "sms:operate tokens:revoke" };
    const revoked = world.caller(await world.key.sign({ ...claims, jti: "a" }));
    const good = world.caller(await world.key.sign({ ...claims, jti: "b" }));
    assert.equal((await good.send("/v1/tokens/a", { method: "DELETE" })).status, 204);
    assertProblem(await revoked.get("/api/v2/me"), "unauthenticated");
    await store.server.stop();
    for (let round = 0; round < 3; round++) {
      assertProblem(await revoked.get("/api/v2/me"), "unauthenticated");
      const proxied = await good.get("/api/v2/me");
      assert.equal(proxied.status, 200, proxied.text);
    }
    assertProblem(await good.send("/v1/tokens/c", { method: "DELETE" }), "store-unavailable");
  },
});
