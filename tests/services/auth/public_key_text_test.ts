import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readPublicKeys } from "../../../services/auth/public_key_text.ts";
import { CERTIFICATE } from "./certificate.ts";

const DEFAULTS = ["EdDSA", "RS256", "ES256"];
const ed = generateKeyPairSync("ed25519");
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const x25519 = generateKeyPairSync("x25519");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });

const spki = (key: KeyObject) => String(key.export({ type: "spki", format: "pem" }));
const pkcs8 = (key: KeyObject) => String(key.export({ type: "pkcs8", format: "pem" }));
const jwk = (key: KeyObject) => ({ ...key.export({ format: "jwk" }) });
const json = JSON.stringify;
const PEM = spki(ed.publicKey);
const ED = jwk(ed.publicKey);

const TAKEN: readonly [what: string, text: string, kinds: readonly string[]][] = [
  ["an Ed25519 PEM", PEM, ["OKP"]],
  ["an RSA PEM", spki(rsa.publicKey), ["RSA"]],
  ["an EC PEM", spki(ec.publicKey), ["EC"]],
  ["a PEM with blanks around it", `\n ${PEM}\n`, ["OKP"]],
  ["a PEM on one line, its line breaks written \\n", PEM.replaceAll("\n", "\\n"), ["OKP"]],
  ["a PEM of a Windows machine", PEM.replaceAll("\n", "\r\n"), ["OKP"]],
  ["a certificate", CERTIFICATE, ["EC"]],
  ["a JWK", json(ED), ["OKP"]],
  ["a JWK with line breaks", json(ED, null, 2), ["OKP"]],
  ["a JWKS", json({ keys: [ED, jwk(rsa.publicKey)] }), ["OKP", "RSA"]],
  ["a JWKS of which one key is of use", json({ keys: [jwk(weak.publicKey), ED] }), ["OKP"]],
];
for (const [what, text, kinds] of TAKEN) {
  Deno.test(`readPublicKeys() takes ${what}`, () => {
    const reading = readPublicKeys(text, DEFAULTS);
    assert.ok(reading.ok, json(reading));
    assert.deepEqual(reading.keys.usable.map(({ kty }) => kty), kinds);
  });
}

const encrypted = String(
  ec.privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }),
);
const REFUSED: readonly [what: string, text: string, reason: RegExp][] = [
  ["blanks", "  ", /cannot be read/],
  ["a word", "hunter2", /cannot be read/],
  ["a path", "./key.pem", /cannot be read/],
  ["an address", "https://issuer.test/jwks.json", /cannot be read/],
  ["a PEM that is cut off within", spki(rsa.publicKey).slice(0, 100), /cannot be read/],
  ["a PEM that is cut off before its end", PEM.trimEnd().slice(0, -1), /cannot be read/],
  [
    "a PEM of which a line is missing",
    spki(rsa.publicKey).replace(/\n[^\n]{64}\n/, "\n"),
    /cannot be read/,
  ],
  ["a PEM of nothing", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", /cannot be read/],
  ["two PEMs", PEM + spki(ec.publicKey), /cannot be read/],
  ["a certificate and its authority's", `${CERTIFICATE}\n${CERTIFICATE}`, /cannot be read/],
  ["a certificate that is cut off", CERTIFICATE.slice(0, 300), /cannot be read/],
  ["a certificate of zeros", CERTIFICATE.replaceAll(/^[^-]+$/gm, "A".repeat(64)), /cannot be read/],
  [
    "a public PEM with the text of a certificate's name",
    PEM.replaceAll("PUBLIC KEY", "CERTIFICATE"),
    /cannot be read/,
  ],
  [
    "a PKCS #1 PEM",
    String(rsa.publicKey.export({ type: "pkcs1", format: "pem" })),
    /cannot be read/,
  ],
  [
    "a certificate request",
    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
    /cannot be read/,
  ],
  ["a private PEM", pkcs8(ec.privateKey), /private key/],
  [
    "a private PEM of PKCS #1",
    String(rsa.privateKey.export({ type: "pkcs1", format: "pem" })),
    /private key/,
  ],
  ["a private PEM on one line", pkcs8(ec.privateKey).replaceAll("\n", "\\n"), /private key/],
  ["an encrypted PEM", encrypted, /private key/],
  ["a public PEM with a private one behind it", PEM + pkcs8(ed.privateKey), /private key/],
  ["a weak RSA PEM", spki(weak.publicKey), /too weak/],
  ["a PEM of a curve that is not allowed", spki(p384.publicKey), /none of JWT_ALGORITHMS/],
  ["a PEM that signs nothing", spki(x25519.publicKey), /curve/],
  ["a private JWK", json(jwk(ed.privateKey)), /private key/],
  ["a shared secret", '{"kty":"oct","k":"c2VjcmV0"}', /shared secret/],
  ["a JWKS with a private key in it", json({ keys: [ED, jwk(ec.privateKey)] }), /private key/],
  [
    "a JWKS with a shared secret in it",
    json({ keys: [ED, { kty: "oct", k: "AA" }] }),
    /shared secret/,
  ],
  ["an empty JWKS", '{"keys":[]}', /holds no key/],
  ["a JWKS of what is no key", '{"keys":[1]}', /malformed/],
  ["a JWKS that is no list", '{"keys":{}}', /cannot be read/],
  ["a list of JWKs", json([ED]), /cannot be read/],
  ["JSON that is no key", '{"a":1}', /cannot be read/],
  ["JSON that is cut off", json(ED).slice(0, -1), /cannot be read/],
  ["a text of JSON", json(PEM), /cannot be read/],
  ["a weak JWK", json(jwk(weak.publicKey)), /too weak/],
  ["a JWK for encryption", json({ ...ED, use: "enc" }), /not for signatures/],
  ["a JWK of a type that nobody knows", '{"kty":"AKP"}', /type/],
  ["a JWK without its numbers", '{"kty":"RSA"}', /malformed/],
  [
    "a JWK for an algorithm that is not allowed",
    json({ ...jwk(rsa.publicKey), alg: "PS256" }),
    /none of JWT_ALGORITHMS/,
  ],
];
for (const [what, text, reason] of REFUSED) {
  Deno.test(`readPublicKeys() refuses ${what}, says why and quotes nothing of it`, () => {
    const reading = readPublicKeys(text, DEFAULTS);
    assert.ok(!reading.ok);
    assert.match(reading.reason, reason);
    assert.match(reading.reason, /^expected a public key for one of JWT_ALGORITHMS[^\n]+$/);
    const pieces = text.split(/[^A-Za-z0-9]+/).filter((piece) => piece.length > 20);
    for (const piece of pieces) assert.ok(!reading.reason.includes(piece));
  });
}

Deno.test("readPublicKeys() goes by the algorithms that are allowed", () => {
  assert.ok(!readPublicKeys(spki(rsa.publicKey), ["EdDSA"]).ok);
  assert.ok(!readPublicKeys(json({ ...ED, alg: "EdDSA" }), ["Ed25519"]).ok);
  assert.ok(readPublicKeys(spki(p384.publicKey), ["ES384"]).ok);
});
