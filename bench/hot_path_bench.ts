import { createTokenVerifier } from "../services/auth/token_verifier.ts";
import { createStaticKeySet } from "../services/auth/static_key_set.ts";
import { systemClock } from "../services/support/clock.ts";
import { generateSecret } from "../services/webhooks/secrets.ts";
import { createSigner } from "../services/webhooks/sending/signing.ts";
import { createTestKey, TEST_AUDIENCE, TEST_ISSUER } from "../simulator/kit/tokens.ts";

const body = new TextEncoder().encode("x".repeat(2048));
const secret = generateSecret((length) => crypto.getRandomValues(new Uint8Array(length)));
const signer = createSigner();

Deno.bench("sign a 2 KiB webhook, v1", async () => {
  await signer.signatures([secret], "evt_01M81CJBTBRH1NF1QPC4T587JV", 1_795_341_600, body);
});

for (const algorithm of ["EdDSA", "RS256", "ES256"] as const) {
  const key = await createTestKey(algorithm);
  const keySet = await createStaticKeySet(JSON.stringify(key.publicJwk), [algorithm]);
  const policy = {
    issuer: TEST_ISSUER,
    audiences: [TEST_AUDIENCE],
    algorithms: [algorithm],
    clockToleranceS: 30,
    agentClaim: "sub",
    scopeClaim: "scope",
  };
  const token = await key.sign({ scope: "sms:operate" }, { lifetimeS: 86_400 });
  const options = { keySet, policy, clock: systemClock };
  const remembering = createTokenVerifier(options);
  const forgetful = createTokenVerifier({ ...options, maxCachedMs: 0 });
  Deno.bench(`verify a token, ${algorithm}, for the first time`, async () => {
    await forgetful.verify(token);
  });
  Deno.bench(`verify a token, ${algorithm}, again`, async () => {
    await remembering.verify(token);
  });
}
