import assert from "node:assert/strict";
import fc from "fast-check";
import { readConfig } from "../../../services/config/config.ts";
import { VARIABLES } from "../../../services/config/variables.ts";
import {
  configOf,
  faultsOf,
  KEY,
  MINIMAL,
  read,
  SERVICE_SID,
  SMS,
  testRefused,
  wrongTexts,
} from "./environment.ts";

Deno.test("readConfig() fills in every documented default when only the required variables are set", () => {
  assert.deepEqual(configOf(readConfig(MINIMAL)), {
    tracedByPlatform: false,
    server: {
      host: "0.0.0.0",
      port: 8000,
      publicUrl: null,
      drainMs: 4500,
      trustProxyHops: 0,
      corsOrigins: [],
    },
    upstream: {
      url: new URL("https://centre.example/"),
      auth: { mode: "forward" },
      timeoutMs: 10_000,
    },
    subscribe: null,
    jwt: {
      issuers: ["https://issuer.example/"],
      audiences: ["patchbay"],
      keys: { kind: "remote", url: new URL("https://issuer.example/keys") },
      algorithms: ["EdDSA", "RS256", "ES256"],
      clockToleranceS: 30,
      agentClaim: "sub",
      scopeClaim: "scope",
    },
    store: {
      engine: { kind: "sqlite", path: "./data/patchbay.db", sync: "normal" },
      shards: 1,
      encryptionKey: null,
      retiredEncryptionKeys: [],
      sessionTtlMs: 86_400_000,
      eventRetentionMs: 604_800_000,
    },
    notificationsToken: null,
    webhooks: {
      timeoutMs: 15_000,
      retryWaitsMs: [5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 50_400, 72_000].map((s) =>
        s * 1000
      ),
      egressAllow: [],
      egressProxy: null,
    },
    sms: null,
    defaultCountry: null,
    rateLimit: { perSecond: 50, burst: 100 },
    metricsToken: null,
    log: { level: "info", format: "json" },
  });
});

Deno.test("readConfig() reads every section when all is set", () => {
  const config = configOf(readConfig({
    ...SMS,
    PORT: "0",
    HOST: "::",
    DRAIN_MS: "0",
    TRUST_PROXY_HOPS: "2",
    UPSTREAM_URL: "http://127.0.0.1:9000/",
    UPSTREAM_AUTH: "basic",
    UPSTREAM_USERNAME: "ksippo",
    UPSTREAM_PASSWORD: "p:w",
    UPSTREAM_TIMEOUT_MS: "100",
    JWT_ISSUER: "me",
    JWT_AUDIENCE: "one, two",
    JWT_PUBLIC_KEY:
      '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
    JWT_ALGORITHMS: "ES384,EdDSA",
    JWT_CLOCK_TOLERANCE_S: "0",
    JWT_AGENT_CLAIM: "agent",
    JWT_SCOPE_CLAIM: "scp",
    REDIS_URL: "rediss://user:secret@redis.example:6380/2",
    ENCRYPTION_KEY: KEY.toBase64(),
    STORE_SHARDS: "1024",
    SESSION_TTL_S: "60",
    EVENT_RETENTION_S: "120",
    NOTIFICATIONS_TOKEN: "notifications-token",
    METRICS_TOKEN: "the-metrics-token",
    CORS_ORIGINS:
      "https://desktop.example, http://LOCALHOST:5173/,https://a.example:443,http://[::1]:80",
    SUBSCRIBE: "on",
    COMETD_PATH: "/cometd/",
    COMETD_SUBSCRIPTIONS: "/v2/me/**, /notifications/services",
    WEBHOOK_TIMEOUT_MS: "500",
    WEBHOOK_RETRY_S: "0.05, 0,1.5",
    EGRESS_ALLOW: "10.0.0.0/8, ::1,Hooks.example,*.corp.example",
    EGRESS_PROXY: "http://user:word@proxy.example:3128",
    TWILIO_AUTH_TOKEN_NEXT: "token-2",
    TWILIO_FROM: "",
    TWILIO_MESSAGING_SERVICE_SID: SERVICE_SID,
    TWILIO_API_URL: "http://127.0.0.1:9001",
    SMS_RATE_LIMIT: "7/s",
    MEDIA: "on",
    RATE_LIMIT_PER_AGENT: "off",
    LOG_LEVEL: "debug",
    LOG_FORMAT: "pretty",
  }));
  assert.deepEqual(config.server, {
    host: "::",
    port: 0,
    publicUrl: { url: new URL("https://patchbay.example"), typed: "https://patchbay.example" },
    drainMs: 0,
    trustProxyHops: 2,
    corsOrigins: [
      "https://desktop.example",
      "http://localhost:5173",
      "https://a.example",
      "http://[::1]",
    ],
  });
  assert.deepEqual(config.upstream, {
    url: new URL("http://127.0.0.1:9000"),
    auth: { mode: "basic", username: "ksippo", password: "p:w" },
    timeoutMs: 100,
  });
  assert.deepEqual(config.subscribe, {
    path: "/cometd/",
    channels: ["/v2/me/**", "/notifications/services"],
  });
  assert.deepEqual(config.jwt.audiences, ["one", "two"]);
  assert.deepEqual(config.jwt.keys, {
    kind: "static",
    untrustedText:
      '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
  });
  assert.deepEqual(config.store, {
    engine: { kind: "redis", url: new URL("rediss://user:secret@redis.example:6380/2") },
    shards: 1024,
    encryptionKey: KEY,
    retiredEncryptionKeys: [],
    sessionTtlMs: 60_000,
    eventRetentionMs: 120_000,
  });
  assert.equal(config.notificationsToken, "notifications-token");
  assert.deepEqual(config.webhooks, {
    timeoutMs: 500,
    retryWaitsMs: [50, 0, 1500],
    egressAllow: ["10.0.0.0/8", "::1", "hooks.example", "*.corp.example"],
    egressProxy: new URL("http://user:word@proxy.example:3128"),
  });
  assert.deepEqual(config.sms, {
    accountSid: SMS.TWILIO_ACCOUNT_SID,
    authToken: "token-1",
    authTokenNext: "token-2",
    sender: { messagingServiceSid: SERVICE_SID },
    apiUrl: new URL("http://127.0.0.1:9001"),
    media: "on",
    rateLimit: { perSecond: 7, burst: 14 },
  });
  assert.equal(config.rateLimit, null);
  assert.equal(config.metricsToken, "the-metrics-token");
  assert.deepEqual(config.log, { level: "debug", format: "pretty" });
});

testRefused([
  ...wrongTexts(
    "RATE_LIMIT_PER_AGENT",
    ["0/s", "50", "50/m", "1.5/s", "100001/s", "on"],
    "off or a rate such as 50/s, from 1/s to 100000/s",
  ),
  ...wrongTexts("LOG_LEVEL", ["INFO"], "debug, info, warn or error"),
  ...wrongTexts("LOG_FORMAT", ["xml"], "json or pretty"),
  [
    { NOTIFICATIONS_TOKEN: "two words" },
    "Cannot use NOTIFICATIONS_TOKEN=(hidden): expected 16 or more visible ASCII characters without spaces",
  ],
]);

Deno.test("readConfig() lists every fault at once, the missing ones too", () => {
  const faults = faultsOf(readConfig({ PORT: "x", LOG_LEVEL: "loud", UPSTREAM_AUTH: "basic" }));
  for (
    const name of [
      "PORT",
      "LOG_LEVEL",
      "UPSTREAM_URL",
      "UPSTREAM_USERNAME",
      "JWT_ISSUER",
      "JWT_AUDIENCE",
      "JWKS_URL",
    ]
  ) {
    assert.equal(faults.filter((line) => line.includes(name)).length, 1, `faults about ${name}`);
  }
  assert.equal(faults.length, 7, faults.join("\n"));
});

Deno.test("readConfig() asks an environment with get(), as Deno.env is one", () => {
  const values = new Map(Object.entries(MINIMAL));
  assert.equal(
    configOf(readConfig({ get: (name) => values.get(name) })).jwt.issuers[0],
    MINIMAL.JWT_ISSUER,
  );
});

Deno.test("readConfig() keeps a fault on one line and cuts a long value", () => {
  const [forged = ""] = faultsOf(read({ LOG_LEVEL: "info\nCannot use PORT=1\u2028\x1b[31m" }));
  assert.match(forged, /^Cannot use LOG_LEVEL=info\\u000aCannot use PORT=1\\u2028\\u001b\[31m: /);
  const [long = ""] = faultsOf(read({ LOG_FORMAT: "x".repeat(5000) }));
  assert.equal(long, `Cannot use LOG_FORMAT=${"x".repeat(200)}…: expected json or pretty`);
});

Deno.test("readConfig() shows no secret, whatever else is wrong with it", () => {
  const secrets = VARIABLES.filter(({ secret }) => secret).map(({ name }) => name);
  // No variable takes a control character, so each of these is a fault.
  const env = Object.fromEntries(secrets.map((name) => [name, "hunter2\x07"]));
  const reading = read({ ...env, UPSTREAM_URL: "ftp://root:hunter2@centre.example/hunter2@x" });
  const faults = faultsOf(reading);
  for (const name of secrets) {
    assert.ok(faults.some((line) => line.startsWith(`Cannot use ${name}=(hidden): `)), name);
  }
  assert.ok(![...faults, ...reading.notes].join("\n").includes("hunter2"), faults.join("\n"));
});

Deno.test("readConfig() answers any text in any variable with a configuration or one-line faults", () => {
  const name = fc.constantFrom(...VARIABLES.map((variable) => variable.name));
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.webUrl(), fc.ipV6(), fc.json());
  fc.assert(
    fc.property(fc.dictionary(name, text, { maxKeys: 8 }), (env) => {
      const reading = read(env);
      if (reading.ok) return;
      assert.ok(reading.faults.length > 0);
      for (const line of reading.faults) assert.match(line, /^Cannot \P{Cc}+ expected \P{Cc}+$/u);
    }),
    { numRuns: 300 },
  );
});

const TYPOS: readonly [name: string, note: string | null][] = [
  ["JWT_ISSUERS", "Ignored JWT_ISSUERS: did you mean JWT_ISSUER?"],
  ["WEBHOOK_RETRIES_S", "Ignored WEBHOOK_RETRIES_S: did you mean WEBHOOK_RETRY_S?"],
  ["WEBHOOK_TARGETS", null],
  ["JWT_ISSUER_URI", null],
  ["WEBHOOK_RETRY_MS", "Ignored WEBHOOK_RETRY_MS: did you mean WEBHOOK_RETRY_S?"],
  ["WEBHOOKS_RETRY_S", "Ignored WEBHOOKS_RETRY_S: did you mean WEBHOOK_RETRY_S?"],
  ["REDIS_URI", "Ignored REDIS_URI: did you mean REDIS_URL?"],
  ["LOG_LEVLE", "Ignored LOG_LEVLE: did you mean LOG_LEVEL?"],
  ["HOME", null],
  ["POST", null],
  ["LOGNAME", null],
];
for (const [name, note] of TYPOS) {
  Deno.test(`readConfig() ${note === null ? "says nothing of" : "notes"} a variable named ${name}`, () => {
    const { JWT_ISSUER: _, ...rest } = MINIMAL;
    assert.deepEqual(readConfig({ ...rest, [name]: "value" }).notes, note === null ? [] : [note]);
  });
}

Deno.test("readConfig() notes no near miss of a variable that is set itself", () => {
  assert.deepEqual(read({ JWT_ISSUERS: "x", JWT_AUDIENCES: "" }).notes, []);
});

Deno.test("readConfig() notes misspelt names that are handed in beside an environment with get()", () => {
  const values = new Map(Object.entries({ ...MINIMAL, REDIS_URI: "redis://r.example" }));
  const env = { get: (name: string) => values.get(name) };
  assert.deepEqual(readConfig(env).notes, []);
  assert.deepEqual(readConfig(env, { names: values.keys() }).notes, [
    "Ignored REDIS_URI: did you mean REDIS_URL?",
  ]);
});

for (const [value, on] of [["true", true], ["1", true], ["false", false]] as const) {
  Deno.test(`readConfig() takes the platform to ${on ? "trace" : "trace nothing"} with OTEL_DENO=${value}`, () => {
    assert.equal(configOf(readConfig({ ...MINIMAL, OTEL_DENO: value })).tracedByPlatform, on);
  });
}
