import assert from "node:assert/strict";
import { brokenRules } from "../../../services/config/rules.ts";
import type { VariableName } from "../../../services/config/variables.ts";

type Texts = Partial<Record<VariableName, string | undefined>>;

/** What no rule is about; every row is set beside it. */
const KEYS = { JWT_ISSUER: "i", JWKS_URL: "k" } as const satisfies Texts;

const PUBLIC_KEY =
  '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}';

// A rule looks at what is set, so the values need not be good ones.
const ROWS: readonly [what: string, texts: Texts, broken: number][] = [
  ["nothing but a source of keys", {}, 0],
  ["two sources of keys", { JWT_PUBLIC_KEY: PUBLIC_KEY }, 1],
  ["two sources of keys, one of which holds none", { JWT_PUBLIC_KEY: "k" }, 2],
  ["two issuers with one key set", { JWT_ISSUER: "i,j" }, 1],
  ["one issuer twice with one key set", { JWT_ISSUER: "i, i" }, 0],
  ["two issuers with two sources of keys", { JWT_ISSUER: "i,j", JWT_PUBLIC_KEY: PUBLIC_KEY }, 2],
  [
    "two issuers with a key",
    { JWT_ISSUER: "i,j", JWKS_URL: undefined, JWT_PUBLIC_KEY: PUBLIC_KEY },
    1,
  ],
  ["a key", { JWKS_URL: undefined, JWT_PUBLIC_KEY: PUBLIC_KEY }, 0],
  ["a key that is none", { JWKS_URL: undefined, JWT_PUBLIC_KEY: "k" }, 1],
  ["a key for another algorithm", {
    JWKS_URL: undefined,
    JWT_PUBLIC_KEY: PUBLIC_KEY,
    JWT_ALGORITHMS: "RS256",
  }, 1],
  ["a key beside algorithms that are none", {
    JWKS_URL: undefined,
    JWT_PUBLIC_KEY: PUBLIC_KEY,
    JWT_ALGORITHMS: "HS256",
  }, 0],
  ["an issuer that tells its keys", { JWT_ISSUER: "https://i.test/a/", JWKS_URL: undefined }, 0],
  [
    "issuers that tell their keys",
    { JWT_ISSUER: "https://i.test, http://j.test", JWKS_URL: undefined },
    0,
  ],
  ["an issuer that can tell nothing", { JWKS_URL: undefined }, 1],
  [
    "issuers of which one can tell nothing",
    { JWT_ISSUER: "https://i.test,j", JWKS_URL: undefined },
    1,
  ],
  ["an issuer with a query", { JWT_ISSUER: "https://i.test/?a", JWKS_URL: undefined }, 1],
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

const NO_KEYS =
  "Cannot start without JWKS_URL or JWT_PUBLIC_KEY: expected one of them, or issuers that are http or " +
  "https URLs without query or fragment, by which their keys are found";

Deno.test("brokenRules() misses a source of keys where none is set", () => {
  assert.deepEqual(brokenRules(() => undefined), [
    NO_KEYS,
  ]);
});
