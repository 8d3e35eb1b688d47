import { systemNetwork } from "../services/http/network.ts";
import { composePatchbay } from "../composition/patchbay.ts";
import { createTokenVerifier } from "../services/auth/token_verifier.ts";
import { createRevocations } from "../services/auth/revocations.ts";
import { createStaticKeySet } from "../services/auth/static_key_set.ts";
import { readConfig } from "../services/config/config.ts";
import { openSqliteStore } from "../services/store/sqlite/store.ts";
import { systemClock } from "../services/support/clock.ts";
import { generateSecret } from "../services/webhooks/secrets.ts";
import { createSigner } from "../services/webhooks/sending/signing.ts";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../simulator/kit/tokens.ts";

const body = new TextEncoder().encode("x".repeat(2048));
const secret = generateSecret((length) => crypto.getRandomValues(new Uint8Array(length)));
const signer = createSigner();
const silent = { debug() {}, info() {}, warn() {}, error() {} };

Deno.bench("sign a 2 KiB webhook, v1", async () => {
  await signer.signatures([secret], "evt_01M81CJBTBRH1NF1QPC4T587JV", 1_795_341_600, body);
});

const policy = { sessionTtlMs: 3_600_000, eventRetentionMs: 3_600_000 };
const revocations = createRevocations({
  store: openSqliteStore({ path: ":memory:", sync: "normal", policy }),
  clock: systemClock,
  log: silent,
});

for (const algorithm of ["EdDSA", "RS256", "ES256"] as const) {
  const key = await createTestKey(algorithm);
  const keySet = createStaticKeySet({
    untrustedText: JSON.stringify(key.publicJwk),
    algorithms: [algorithm],
    log: silent,
  });
  const tokenPolicy = {
    audiences: [TEST_AUDIENCE],
    algorithms: [algorithm],
    clockToleranceS: 30,
    agentClaim: "sub",
    scopeClaim: "scope",
  };
  const scope = "sms:operate";
  const token = await key.sign({ scope }, { lifetimeS: 86_400 });
  const named = await key.sign({ scope, jti: crypto.randomUUID() }, { lifetimeS: 86_400 });
  const keySets = new Map([[TEST_ISSUER, keySet]]);
  const options = { keySets, revocations, policy: tokenPolicy, clock: systemClock };
  const remembering = createTokenVerifier(options);
  const forgetful = createTokenVerifier({ ...options, maxCachedMs: 0 });
  Deno.bench(`verify a token, ${algorithm}, for the first time`, async () => {
    await forgetful.verify(token);
  });
  Deno.bench(`verify a token, ${algorithm}, again`, async () => {
    await remembering.verify(token);
  });
  Deno.bench(`verify a token that can be revoked, ${algorithm}, again`, async () => {
    await remembering.verify(named);
  });
}

const agentKey = await createTestKey();
const reading = readConfig({
  UPSTREAM_URL: "http://127.0.0.1:9",
  JWT_ISSUER: TEST_ISSUER,
  JWT_AUDIENCE: TEST_AUDIENCE,
  JWT_PUBLIC_KEY: JSON.stringify(agentKey.publicJwk),
  SQLITE_PATH: ":memory:",
  RATE_LIMIT_PER_AGENT: "100000/s",
});
if (!reading.ok) throw new Error(reading.faults.join("\n"));
const patchbay = await composePatchbay(reading.config, {
  log: silent,
  clock: systemClock,
  random: Math.random,
  // Upstream answers at once, so that what is measured is Patchbay's own.
  fetch: () => Promise.resolve(Response.json({ statusCode: 0 })),
  network: systemNetwork,
});
const agentToken = await agentKey.sign({ scope: "sms:operate" }, { lifetimeS: 86_400 });
const info = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
  completed: Promise.resolve(),
} as const;

Deno.bench("GET /api/v2/me by an agent who is known, without the network", async () => {
  const request = new Request("http://127.0.0.1:8000/api/v2/me", {
    headers: { authorization: `Bearer ${agentToken}`, host: "127.0.0.1:8000" },
  });
  await (await patchbay.fetch(request, info)).body?.cancel();
});

Deno.bench("GET /healthz, without the network", async () => {
  const request = new Request("http://127.0.0.1:8000/healthz");
  await (await patchbay.fetch(request, info)).body?.cancel();
});
