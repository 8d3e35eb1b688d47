import assert from "node:assert/strict";
import { type Environment, runPatchbayToItsEnd } from "../support/patchbay_process.ts";

const GOOD: Environment = {
  UPSTREAM_URL: "https://contact-centre.example",
  JWT_ISSUER: "https://login.example",
  JWT_AUDIENCE: "patchbay",
  JWKS_URL: "https://login.example/jwks.json",
  SQLITE_PATH: ":memory:",
};

/** Each value, and what its line has to hold beside the variable's name. */
const WRONG: Readonly<Record<string, string>> = {
  PORT: "eighty",
  UPSTREAM_URL: "ftp://contact-centre.example",
  UPSTREAM_AUTH: "magic",
  UPSTREAM_TIMEOUT_MS: "soon",
  JWKS_URL: "login.example",
  JWT_ALGORITHMS: "HS256",
  JWT_CLOCK_TOLERANCE_S: "301",
  STORE_SHARDS: "0",
  SESSION_TTL_S: "-1",
  EVENT_RETENTION_S: "week",
  SQLITE_SYNC: "sometimes",
  WEBHOOK_TIMEOUT_MS: "0.5",
  WEBHOOK_RETRY_S: "5,later",
  DEFAULT_COUNTRY: "UK",
  TRUST_PROXY_HOPS: "-1",
  CORS_ORIGINS: "https://*.example",
  DRAIN_MS: "never",
  RATE_LIMIT_PER_AGENT: "fast",
  LOG_LEVEL: "loud",
  LOG_FORMAT: "xml",
};

const lines = (text: string) => text.trim().split("\n");

Deno.test("every configuration fault is told on a line of its own, and the exit status is 78", async () => {
  const { code, stdout, stderr } = await runPatchbayToItsEnd({ ...GOOD, ...WRONG });
  assert.equal(code, 78);
  assert.equal(stdout, "");
  for (const [name, value] of Object.entries(WRONG)) {
    const about = lines(stderr).filter((line) => line.includes(`${name}=${value}`));
    assert.equal(about.length, 1, `${name}=${value} has not one line in:\n${stderr}`);
  }
  assert.equal(lines(stderr).length, Object.keys(WRONG).length, stderr);
});

Deno.test("what is missing, or does not go together, is a configuration fault too", async () => {
  const redis = { REDIS_URL: "redis://127.0.0.1:6379" };
  const upstash = {
    UPSTASH_REDIS_REST_URL: "https://store.example",
    UPSTASH_REDIS_REST_TOKEN: "the-upstash-token",
  };
  const key = { ENCRYPTION_KEY: new Uint8Array(32).toBase64() };
  const sms = { TWILIO_ACCOUNT_SID: `AC${"0".repeat(32)}`, TWILIO_AUTH_TOKEN: "the-auth-token" };
  const cases: readonly (readonly [Environment, readonly RegExp[]])[] = [
    [{ UPSTREAM_URL: "", JWT_ISSUER: "", JWT_AUDIENCE: "", JWKS_URL: "" }, [
      /UPSTREAM_URL/,
      /JWT_ISSUER/,
      /JWT_AUDIENCE/,
      /JWKS_URL.*JWT_PUBLIC_KEY/,
    ]],
    [{ SQLITE_PATH: "", ...redis, ...upstash, ...key }, [/REDIS_URL/]],
    [{ SQLITE_PATH: "", ...redis }, [/ENCRYPTION_KEY/]],
    [{ SQLITE_PATH: "", ...redis, ENCRYPTION_KEY: "c2hvcnQtc2VjcmV0" }, [/ENCRYPTION_KEY/]],
    [{ SQLITE_PATH: "", UPSTASH_REDIS_REST_URL: "https://store.example", ...key }, [
      /UPSTASH_REDIS_REST_TOKEN/,
    ]],
    [{ UPSTREAM_AUTH: "basic" }, [/UPSTREAM_USERNAME/]],
    [{ NOTIFICATIONS_TOKEN: "a-short-one", METRICS_TOKEN: "a-shorter-one" }, [
      /NOTIFICATIONS_TOKEN=\(hidden\).*16/,
      /METRICS_TOKEN=\(hidden\).*16/,
    ]],
    [sms, [/PUBLIC_URL/, /TWILIO_FROM.*TWILIO_MESSAGING_SERVICE_SID/]],
  ];
  const ends = await Promise.all(cases.map(([env]) => runPatchbayToItsEnd({ ...GOOD, ...env })));
  for (const [index, { code, stderr }] of ends.entries()) {
    const [env, expected] = cases[index] ?? [];
    assert.equal(code, 78, `${JSON.stringify(env)}: ${stderr}`);
    assert.equal(lines(stderr).length, expected?.length, `${JSON.stringify(env)}: ${stderr}`);
    for (const pattern of expected ?? []) assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, /the-upstash-token|the-auth-token|c2hvcnQtc2VjcmV0|a-short/);
  }
});
