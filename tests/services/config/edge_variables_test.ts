import assert from "node:assert/strict";
import { configOf, read, testRefused, testTaken, wrongTexts } from "./environment.ts";

for (const password of [undefined, ""]) {
  Deno.test(`readConfig() takes UPSTREAM_PASSWORD=${password ?? " (unset)"} as an empty password`, () => {
    const env = {
      UPSTREAM_AUTH: "basic",
      UPSTREAM_USERNAME: "ksippo",
      UPSTREAM_PASSWORD: password,
    };
    assert.deepEqual(configOf(read(env)).upstream.auth, {
      mode: "basic",
      username: "ksippo",
      password: "",
    });
  });
}

Deno.test("readConfig() takes UPSTREAM_AUTH=vault, whatever service account is set beside it", () => {
  const env = { UPSTREAM_AUTH: "vault", UPSTREAM_USERNAME: "ksippo", UPSTREAM_PASSWORD: "p" };
  assert.deepEqual(configOf(read(env)).upstream.auth, { mode: "vault" });
});

for (const mode of ["forward", "vault"]) {
  Deno.test(`readConfig() subscribes by default to what is the agent's own, with UPSTREAM_AUTH=${mode}`, () => {
    assert.deepEqual(configOf(read({ UPSTREAM_AUTH: mode, SUBSCRIBE: "on" })).subscribe, {
      path: "/api/v2/notifications",
      channels: ["/v2/me/*"],
    });
  });
}

testTaken([
  ["CometD settings that are not used", { COMETD_PATH: "/", COMETD_SUBSCRIPTIONS: "/metal,/**" }],
  ["an issuer that tells its keys by itself", { JWKS_URL: "" }],
  ["several issuers", { JWT_ISSUER: "https://a.example, http://127.0.0.1:8080/b/", JWKS_URL: "" }],
  ["the upper bounds", {
    PORT: "65535",
    DRAIN_MS: "60000",
    UPSTREAM_TIMEOUT_MS: "120000",
    JWT_CLOCK_TOLERANCE_S: "300",
    TRUST_PROXY_HOPS: "32",
  }],
]);

testRefused([
  ...wrongTexts("PORT", ["65536", "80.5", "-1", " 80", "1e3"], "an integer from 0 to 65535"),
  ...wrongTexts("HOST", ["[::1]"], "an IP address or host name such as 0.0.0.0, :: or localhost"),
  ...wrongTexts("DRAIN_MS", ["60001"], "an integer from 0 to 60000"),
  ...wrongTexts(
    "CORS_ORIGINS",
    [
      "*",
      "null",
      "https://*.example",
      "https://a.example,*",
      "https://a.example,null",
      "a.example",
      "https://a.example/path",
      "file:///",
      "app://desktop",
      "https://a.example,,https://b.example",
    ],
    "exact origins such as https://desktop.example, separated by commas; neither * nor null",
  ),
  ...wrongTexts("TRUST_PROXY_HOPS", ["x", "33"], "an integer from 0 to 32"),
  ...wrongTexts("UPSTREAM_TIMEOUT_MS", ["0", "99", "120001"], "an integer from 100 to 120000"),
  ...wrongTexts("JWT_CLOCK_TOLERANCE_S", ["301"], "an integer from 0 to 300"),
  ...wrongTexts("JWT_AUDIENCE", ["a,,b", ","], "the accepted aud claims, separated by commas"),
  ...wrongTexts(
    "JWT_ALGORITHMS",
    ["none", "HS256", "RS256,HS512", "es256", " , RS256", "RS256;ES256"],
    "some of EdDSA, Ed25519, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, " +
      "separated by commas",
  ),
  ...wrongTexts("UPSTREAM_AUTH", ["Vault", "Basic"], "forward, basic or vault"),
  ...wrongTexts("SUBSCRIBE", ["yes", "ON"], "on or off"),
  // Without SUBSCRIBE=on too: a fault is found when it is made.
  ...wrongTexts(
    "COMETD_PATH",
    ["cometd", "//other.example/x", "/a/../b", "/a?b", "/a#b", "/a b", "/a\\b", "/é"],
    "a path such as /api/v2/notifications, without query or fragment",
  ),
  ...wrongTexts(
    "COMETD_SUBSCRIPTIONS",
    ["v2/me", "/", "/a//b", "/a/", "/*/b", "/a*", "/a/***", "/meta", "/meta/*", "/a,,/b", "/é"],
    "1 to 100 CometD channels such as /v2/me/* or /v2/me/calls, separated by commas",
  ),
  [
    { UPSTREAM_URL: "https://user:hunter2@centre.example" },
    "Cannot use UPSTREAM_URL=(hidden)@centre.example: expected an http or https origin such as " +
    "https://host.example, without path or credentials",
  ],
  [
    { UPSTREAM_AUTH: "basic", UPSTREAM_PASSWORD: "x" },
    "Cannot use UPSTREAM_AUTH=basic without UPSTREAM_USERNAME: expected its user name",
  ],
  [
    { UPSTREAM_AUTH: "basic", UPSTREAM_USERNAME: "a:b" },
    "Cannot use UPSTREAM_USERNAME=a:b: expected a user name without colon or control characters",
  ],
  ...wrongTexts(
    "JWT_ISSUER",
    [",", "https://a.example,", "a,,b", Array.from({ length: 33 }, (_, at) => at).join()],
    "the exact iss claims of up to 32 issuers, separated by commas",
  ),
  [
    { JWT_ISSUER: "https://a.example, https://b.example" },
    "Cannot use JWKS_URL with several issuers in JWT_ISSUER: expected one issuer, or no such setting, so " +
    "that each tells its own keys",
  ],
  [
    { JWT_ISSUER: "patchbay", JWKS_URL: "" },
    "Cannot start without JWKS_URL or JWT_PUBLIC_KEY: expected one of them, or issuers that are http or " +
    "https URLs without query or fragment, by which their keys are found",
  ],
  [
    {
      JWT_PUBLIC_KEY:
        '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
    },
    "Cannot use JWKS_URL and JWT_PUBLIC_KEY together: expected only one of them",
  ],
  [
    {
      JWKS_URL: "",
      JWT_PUBLIC_KEY: "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----",
    },
    "Cannot use JWT_PUBLIC_KEY=(hidden): expected a public key for one of JWT_ALGORITHMS (one PEM of type " +
    "PUBLIC KEY or CERTIFICATE, a JWK or a JWKS), but it is a private key",
  ],
]);

for (const name of ["NOTIFICATIONS_TOKEN", "METRICS_TOKEN"]) {
  testTaken([[`a ${name} of 16 characters`, { [name]: "!23456789012345~" }]]);
  testRefused(
    ["123456789012345", "1234567890123 56", "1234567890123456\u00e9", "\u00e9".repeat(16)].map((
      text,
    ) => [
      { [name]: text },
      `Cannot use ${name}=(hidden): expected 16 or more visible ASCII characters without spaces`,
    ]),
  );
}
