import assert from "node:assert/strict";
import { errors, jwtVerify } from "jose";
import { createStaticKeySet } from "../../../services/auth/static_key_set.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { CERTIFICATE, CERTIFICATE_TOKEN } from "./certificate.ts";
import { createTestKey, jwksOf } from "../../../simulator/kit/tokens.ts";

const ALGORITHMS = ["EdDSA", "RS256", "ES256"];
const ed = await createTestKey("EdDSA", "ed");
const es = await createTestKey("ES256", "es");
const rs = await createTestKey("RS256", "rs");

const keySetOf = (untrustedText: string) =>
  createStaticKeySet({ untrustedText, algorithms: ALGORITHMS, log: createMemoryLog() });

for (const key of [ed, es, rs]) {
  const { kid: _kid, alg: _alg, ...bareJwk } = key.publicJwk;
  const forms: [string, string][] = [
    ["PEM", key.publicPem],
    ["PEM with \\n for line breaks", key.publicPem.replaceAll("\n", "\\n")],
    ["JWK", JSON.stringify(key.publicJwk)],
    ["JWK without kid and alg", JSON.stringify(bareJwk)],
    ["JWKS", JSON.stringify(jwksOf(ed, es, rs))],
  ];
  for (const [form, text] of forms) {
    Deno.test(`createStaticKeySet() verifies ${key.algorithm} with a ${form}`, async () => {
      const keySet = keySetOf(`\n ${text} \n`);
      const { payload } = await jwtVerify(await key.sign(), keySet.keyFor);
      assert.equal(payload.sub, "agent-1");
      assert.deepEqual(keySet.state(), { loaded: true, ageMs: 0 });
      await keySet.warm();
    });
  }
}

Deno.test("createStaticKeySet() verifies with an X.509 certificate", async () => {
  const keySet = keySetOf(CERTIFICATE);
  const { payload } = await jwtVerify(CERTIFICATE_TOKEN, keySet.keyFor);
  assert.equal(payload.sub, "agent-1");
});

Deno.test("createStaticKeySet() does not verify with a key of another kid", async () => {
  const keySet = keySetOf(JSON.stringify(ed.publicJwk));
  const token = await ed.sign({}, { header: { kid: "other" } });
  await assert.rejects(jwtVerify(token, keySet.keyFor), errors.JWKSNoMatchingKey);
});

Deno.test("createStaticKeySet() refuses what another key has signed", async () => {
  const keySet = keySetOf(ed.publicPem);
  const other = await createTestKey("EdDSA", "ed");
  await assert.rejects(
    jwtVerify(await other.sign(), keySet.keyFor),
    errors.JWSSignatureVerificationFailed,
  );
});

Deno.test("createStaticKeySet() skips keys of a set that verify nothing, and says so", async () => {
  const log = createMemoryLog();
  const untrustedText = JSON.stringify({ keys: [{ ...rs.publicJwk, use: "enc" }, ed.publicJwk] });
  const keySet = createStaticKeySet({ untrustedText, algorithms: ALGORITHMS, log });
  await jwtVerify(await ed.sign(), keySet.keyFor);
  await assert.rejects(jwtVerify(await rs.sign(), keySet.keyFor), errors.JWKSNoMatchingKey);
  assert.deepEqual(log.entries.map(({ level, event, fields }) => [level, event, fields]), [
    ["warn", "key_set.unusable_keys", { skipped: "other-use: 1 (kid rs)", usable: 1 }],
  ]);
});

Deno.test("createStaticKeySet() has no other set to get", async () => {
  assert.equal(await keySetOf(ed.publicPem).renew(), false);
});

for (const text of ["", "hunter2", '{"keys":[]}', '{"kty":"oct","k":"c2VjcmV0"}']) {
  Deno.test(`createStaticKeySet() refuses what holds no key, such as ${JSON.stringify(text)}`, () => {
    assert.throws(() => keySetOf(text), {
      name: "TypeError",
      message: /^Cannot use JWT_PUBLIC_KEY/,
    });
  });
}
