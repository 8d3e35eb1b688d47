import assert from "node:assert/strict";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import {
  type Environment,
  runPatchbayToItsEnd,
  startPatchbayProcess,
} from "../support/patchbay_process.ts";
import { openRedis, openSqliteFile, openUpstash, type TestStore } from "./stores.ts";

const GOOD = {
  PORT: "0",
  HOST: "127.0.0.1",
  UPSTREAM_URL: "https://contact-centre.example",
  JWT_ISSUER: "https://login.example",
  JWT_AUDIENCE: "patchbay",
  JWKS_URL: "http://127.0.0.1:9/jwks.json",
};

const newKey = () => crypto.getRandomValues(new Uint8Array(32)).toBase64();

const STORES: readonly { name: string; open: () => Promise<TestStore>; ignore: boolean }[] = [
  { name: "SQLite", open: openSqliteFile, ignore: false },
  { name: "Redis", open: openRedis, ignore: ignoredWithoutRedis() },
  { name: "Upstash", open: openUpstash, ignore: ignoredWithoutRedis() },
];

async function startsAndEnds(env: Environment): Promise<void> {
  const patchbay = await startPatchbayProcess(env);
  assert.equal(await patchbay.stop(), 0);
}

async function isRefused(env: Environment, sentence: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runPatchbayToItsEnd(env);
  assert.equal(code, 78, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, sentence);
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
}

for (const { name, open, ignore } of STORES) {
  Deno.test({
    name: `${name}: another ENCRYPTION_KEY on a store that was begun ends the start with status 78`,
    ignore,
    async fn() {
      await using store = await open();
      const env = { ...GOOD, ...store.env, ENCRYPTION_KEY: newKey() };
      await startsAndEnds(env);
      const otherKey = newKey();
      await isRefused(
        { ...env, ENCRYPTION_KEY: otherKey },
        /^Cannot use this store with this ENCRYPTION_KEY: /,
      );
      await startsAndEnds({ ...env, ENCRYPTION_KEY: `${otherKey},${env.ENCRYPTION_KEY}` });
      await isRefused(env, /^Cannot use this store with this ENCRYPTION_KEY: /);
    },
  });
}

for (const { name, open, ignore } of STORES.slice(1)) {
  Deno.test({
    name: `${name}: another STORE_SHARDS on a store that was begun ends the start with status 78`,
    ignore,
    async fn() {
      await using store = await open();
      await startsAndEnds({ ...GOOD, ...store.env, STORE_SHARDS: "3" });
      for (const shards of ["1", "4"]) {
        await isRefused(
          { ...GOOD, ...store.env, STORE_SHARDS: shards },
          new RegExp(`^Cannot use this store with STORE_SHARDS=${shards}: expected STORE_SHARDS=3`),
        );
      }
      await startsAndEnds({ ...GOOD, ...store.env, STORE_SHARDS: "3" });
    },
  });
}

Deno.test("a database whose key file is gone ends the start with status 78", async () => {
  await using store = await openSqliteFile();
  const env = { ...GOOD, ...store.env };
  await startsAndEnds(env);
  await Deno.remove(`${store.path}.key`);
  await isRefused(env, /^Cannot start without the key file /);
});
