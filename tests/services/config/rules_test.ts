import assert from "node:assert/strict";
import { brokenRules } from "../../../services/config/rules.ts";
import type { VariableName } from "../../../services/config/variables.ts";

type Texts = Partial<Record<VariableName, string>>;

/** What no rule is about; every row is set beside it. */
const KEYS = { JWKS_URL: "k" } as const satisfies Texts;

// A rule looks at what is set, so the values need not be good ones.
const ROWS: readonly [what: string, texts: Texts, broken: number][] = [
  ["nothing but a source of keys", {}, 0],
  ["two sources of keys", { JWT_PUBLIC_KEY: "k" }, 1],
  ["basic with a user name", { UPSTREAM_AUTH: "basic", UPSTREAM_USERNAME: "u" }, 0],
  ["basic without a user name", { UPSTREAM_AUTH: "basic" }, 1],
  ["vault without a user name", { UPSTREAM_AUTH: "vault" }, 0],
  ["a Redis with a key", { REDIS_URL: "r", ENCRYPTION_KEY: "k" }, 0],
  ["a Redis without a key", { REDIS_URL: "r" }, 1],
  ["a Redis and a database", { REDIS_URL: "r", SQLITE_PATH: "p", ENCRYPTION_KEY: "k" }, 1],
  ["half of Upstash, without a key", { UPSTASH_REDIS_REST_URL: "u" }, 2],
  ["a sender alone", { TWILIO_FROM: "f" }, 0],
  ["half of an account, and nothing else", { TWILIO_ACCOUNT_SID: "a" }, 3],
  ["all that SMS needs", {
    TWILIO_ACCOUNT_SID: "a",
    TWILIO_AUTH_TOKEN: "t",
    TWILIO_FROM: "f",
    PUBLIC_URL: "p",
  }, 0],
];
for (const [what, texts, broken] of ROWS) {
  Deno.test(`brokenRules() finds ${broken} broken by ${what}`, () => {
    const set: Texts = { ...KEYS, ...texts };
    assert.equal(brokenRules((name) => set[name]).length, broken);
  });
}

Deno.test("brokenRules() misses a source of keys where none is set", () => {
  assert.deepEqual(brokenRules(() => undefined), [
    "Cannot start without JWKS_URL or JWT_PUBLIC_KEY: expected one of them",
  ]);
});
