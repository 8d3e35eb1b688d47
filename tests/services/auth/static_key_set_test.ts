import assert from "node:assert/strict";
import { errors, exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import { createStaticKeySet } from "../../../services/auth/static_key_set.ts";
import { createTestKey, jwksOf } from "../../../simulator/kit/tokens.ts";

const ALGORITHMS = ["EdDSA", "RS256", "ES256"];
const ed = await createTestKey("EdDSA", "ed");
const es = await createTestKey("ES256", "es");
const rs = await createTestKey("RS256", "rs");
const { publicKey: _, privateKey } = await generateKeyPair("ES256", { extractable: true });

/** A self-signed P-256 certificate, and a token without `exp` signed by its key, which nobody has kept. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS2gAwIBAgIUZhWHv6tShlEK8jU9/3nEVJDUEZcwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcGF0Y2hiYXkudGVzdDAgFw0yNjExMjIxMDA3MDFaGA8yMTI2
MTAyOTEwMDcwMVowGDEWMBQGA1UEAwwNcGF0Y2hiYXkudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABJeaZAQ73KFJ+56nWZom5acUXZ7CwsdWUDoREvADKuWx
CPqL5YUxHMIg9uYo8RLp3RiEGc8rbQMbx6AdKFlW3OCjUzBRMB0GA1UdDgQWBBQO
53mhCVDSq86km5GKPp6+BBqYiTAfBgNVHSMEGDAWgBQO53mhCVDSq86km5GKPp6+
BBqYiTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCsp+MUNxtI
MK+7ISdH7tBpdwdjqnrcppHsjh4X0ccykgIhANaT2yVcZtTAgU/gn8fotKmnA2CZ
7LfqzWPw1XZVQR0J
-----END CERTIFICATE-----`;
const CERTIFICATE_TOKEN =
  "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZ2VudC0xIn0.wgLq7MiHpXEea_f3y_gXF2SxI1LyA_5tjiEK5SxkV5pF3LFd9RqJEKPNaTOr2qAR05umxi6WgDKJyAN_Mb-9nA";

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
      const keySet = await createStaticKeySet(`\n ${text} \n`, ALGORITHMS);
      const { payload } = await jwtVerify(await key.sign(), keySet.keyFor);
      assert.equal(payload.sub, "agent-1");
      assert.deepEqual(keySet.state(), { loaded: true, ageMs: 0 });
      await keySet.warm();
    });
  }
}

Deno.test("createStaticKeySet() verifies with an X.509 certificate", async () => {
  const keySet = await createStaticKeySet(CERTIFICATE, ALGORITHMS);
  const { payload } = await jwtVerify(CERTIFICATE_TOKEN, keySet.keyFor);
  assert.equal(payload.sub, "agent-1");
});

Deno.test("createStaticKeySet() does not verify with a key of another kid", async () => {
  const keySet = await createStaticKeySet(JSON.stringify(ed.publicJwk), ALGORITHMS);
  const token = await ed.sign({}, { header: { kid: "other" } });
  await assert.rejects(jwtVerify(token, keySet.keyFor), errors.JWKSNoMatchingKey);
});

Deno.test("createStaticKeySet() refuses what another key has signed", async () => {
  const keySet = await createStaticKeySet(ed.publicPem, ALGORITHMS);
  const other = await createTestKey("EdDSA", "ed");
  await assert.rejects(
    jwtVerify(await other.sign(), keySet.keyFor),
    errors.JWSSignatureVerificationFailed,
  );
});

const secretPem = await exportPKCS8(privateKey);
const secretJwk = await exportJWK(privateKey);
const refused: [string, string, RegExp][] = [
  ["nothing", "", /expected a PEM/],
  ["text that is no key", "hunter2", /expected a PEM/],
  ["JSON that is no key", '{"a":1}', /expected a PEM/],
  ["an empty set", '{"keys":[]}', /expected a PEM/],
  ["a PEM that is cut off", rs.publicPem.slice(0, 60), /expected a PEM/],
  ["a private key as PEM", secretPem, /secret key/],
  ["a private key as JWK", JSON.stringify(secretJwk), /secret key/],
  ["a private key in a set", JSON.stringify({ keys: [ed.publicJwk, secretJwk] }), /secret key/],
  ["a symmetric key", '{"kty":"oct","k":"c2VjcmV0"}', /secret key/],
];
for (const [name, text, message] of refused) {
  Deno.test(`createStaticKeySet() refuses ${name} and does not quote it`, async () => {
    const error = await createStaticKeySet(text, ALGORITHMS).catch((reason: unknown) => reason);
    assert.ok(error instanceof TypeError);
    assert.match(error.message, message);
    assert.ok(text === "" || !Deno.inspect(error).includes(text));
  });
}

Deno.test("createStaticKeySet() refuses a key for an algorithm that is not allowed", async () => {
  await assert.rejects(createStaticKeySet(rs.publicPem, ["EdDSA"]), TypeError);
  await assert.rejects(createStaticKeySet(JSON.stringify(rs.publicJwk), ["PS256"]), TypeError);
});
