import assert from "node:assert/strict";
import { configOf, KEY, read, testRefused, testTaken, wrongTexts } from "./environment.ts";

const ENCRYPTION_KEY = KEY.toBase64();
const KEY_FORM = "32 bytes in base64, as `openssl rand -base64 32` prints them";
const KEY_LIST_FORM = `${KEY_FORM}; a new key, then older ones, separated by commas`;

Deno.test("readConfig() takes the first encryption key for sealing and keeps the others for opening", () => {
  const older = [1, 2].map((byte) => new Uint8Array(32).fill(byte));
  const texts = [KEY, ...older].map((key) => key.toBase64());
  const { store } = configOf(read({ ENCRYPTION_KEY: texts.join(", ") }));
  assert.deepEqual(store.encryptionKey, KEY);
  assert.deepEqual(store.retiredEncryptionKeys, older);
});

Deno.test("readConfig() reads the Upstash store", () => {
  const { store } = configOf(read({
    UPSTASH_REDIS_REST_URL: "https://eu1.upstash.example",
    UPSTASH_REDIS_REST_TOKEN: "AX==",
    ENCRYPTION_KEY: KEY.toBase64({ alphabet: "base64url", omitPadding: true }),
  }));
  assert.deepEqual(store.engine, {
    kind: "upstash",
    url: new URL("https://eu1.upstash.example"),
    token: "AX==",
  });
  assert.deepEqual(store.encryptionKey, KEY);
});

testTaken([
  ["a database in memory", { SQLITE_PATH: ":memory:", SQLITE_SYNC: "full" }],
  ["an empty variable as unset", { SQLITE_PATH: "", REDIS_URL: "", UPSTASH_REDIS_REST_URL: "" }],
  ["a Redis store beside an empty SQLITE_PATH", {
    REDIS_URL: "redis://r.example",
    SQLITE_PATH: "",
    ENCRYPTION_KEY,
  }],
]);

testRefused([
  ...wrongTexts("SQLITE_SYNC", ["off"], "normal or full"),
  ...wrongTexts("STORE_SHARDS", ["0", "1025"], "an integer from 1 to 1024"),
  ...wrongTexts("SESSION_TTL_S", ["0", "31536001"], "an integer from 1 to 31536000"),
  ...wrongTexts("EVENT_RETENTION_S", ["0"], "an integer from 1 to 31536000"),
  [
    {
      UPSTASH_REDIS_REST_URL: "https://u.example",
      UPSTASH_REDIS_REST_TOKEN: "t",
      REDIS_URL: "redis://r.example",
      ENCRYPTION_KEY,
    },
    "Cannot use UPSTASH_REDIS_REST_URL and REDIS_URL together: expected one store",
  ],
  [
    { REDIS_URL: "redis://r.example", SQLITE_PATH: "./x.db", ENCRYPTION_KEY },
    "Cannot use REDIS_URL and SQLITE_PATH together: expected one store",
  ],
  [
    { UPSTASH_REDIS_REST_TOKEN: "t", SQLITE_PATH: "./x.db", ENCRYPTION_KEY },
    "Cannot use UPSTASH_REDIS_REST_TOKEN without UPSTASH_REDIS_REST_URL: expected both",
    "Cannot use UPSTASH_REDIS_REST_TOKEN and SQLITE_PATH together: expected one store",
  ],
  [
    { UPSTASH_REDIS_REST_URL: "https://u.example", ENCRYPTION_KEY },
    "Cannot use UPSTASH_REDIS_REST_URL without UPSTASH_REDIS_REST_TOKEN: expected both",
  ],
  [
    { REDIS_URL: "redis://r.example" },
    `Cannot use a Redis store without ENCRYPTION_KEY: expected ${KEY_FORM}`,
  ],
  [
    { UPSTASH_REDIS_REST_URL: "https://u.example", UPSTASH_REDIS_REST_TOKEN: "t" },
    `Cannot use a Redis store without ENCRYPTION_KEY: expected ${KEY_FORM}`,
  ],
  [
    { REDIS_URL: "http://:hunter2@r.example", ENCRYPTION_KEY: "c2hvcnQ=" },
    "Cannot use REDIS_URL=(hidden): expected redis:// or rediss:// with a host, " +
    "such as rediss://user:password@host.example:6379/0",
    `Cannot use ENCRYPTION_KEY=(hidden): expected ${KEY_LIST_FORM}`,
  ],
  [
    { ENCRYPTION_KEY: `${ENCRYPTION_KEY},` },
    `Cannot use ENCRYPTION_KEY=(hidden): expected ${KEY_LIST_FORM}`,
  ],
  [
    { ENCRYPTION_KEY: `${ENCRYPTION_KEY},c2hvcnQ=` },
    `Cannot use ENCRYPTION_KEY=(hidden): expected ${KEY_LIST_FORM}`,
  ],
]);
