import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import {
  describeSkipped,
  judgeKeys,
  type KeyFault,
  SIGNATURE_ALGORITHMS,
} from "../../../services/auth/verification_key.ts";

type Jwk = Readonly<Record<string, unknown>>;

const DEFAULTS = ["EdDSA", "RS256", "ES256"];
const rsa = (modulusLength: number): Jwk => ({
  ...generateKeyPairSync("rsa", { modulusLength }).publicKey.export({ format: "jwk" }),
});
const ec = (namedCurve: string): Jwk => ({
  ...generateKeyPairSync("ec", { namedCurve }).publicKey.export({ format: "jwk" }),
});
const edPair = generateKeyPairSync("ed25519");
const ED: Jwk = { ...edPair.publicKey.export({ format: "jwk" }) };
const RSA = rsa(2048);
const EC = ec("P-256");
const bytes = (length: number, first = 0xff) =>
  new Uint8Array(length).fill(0xff).with(0, first).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });

const smallPoint = (first: string) =>
  Uint8Array.fromHex(first.padEnd(64, "0")).toBase64({ alphabet: "base64url", omitPadding: true });

const USABLE: readonly [name: string, key: Jwk, algorithms?: readonly string[]][] = [
  ["an Ed25519 key", ED],
  ["an Ed25519 key for Ed25519", { ...ED, alg: "Ed25519" }, ["Ed25519"]],
  ["an RSA key of 2048 bits", RSA],
  ["an RSA key of 3072 bits", rsa(3072), ["PS512"]],
  ["a P-256 key", EC],
  ["a P-384 key", ec("P-384"), ["ES384"]],
  ["a P-521 key", ec("P-521"), ["ES512"]],
  ["a key for signatures", { ...RSA, use: "sig", alg: "RS256", key_ops: ["verify"] }],
  ["a key with its certificate and members that nobody knows", {
    ...EC,
    x5c: ["AAAA"],
    x: EC.x,
    y1: 1,
  }],
];
for (const [name, key, algorithms = DEFAULTS] of USABLE) {
  Deno.test(`judgeKeys() takes ${name}`, () => {
    const { usable, skipped } = judgeKeys([key], algorithms);
    assert.deepEqual(skipped, []);
    assert.equal(usable.length, 1);
  });
}

const SKIPPED: readonly [name: string, key: unknown, fault: KeyFault, algorithms?: string[]][] = [
  ["null", null, "malformed"],
  ["a number", 7, "malformed"],
  ["an array", [ED], "malformed"],
  ["an object without members", {}, "unknown-type"],
  ["a type in another case", { ...RSA, kty: "rsa" }, "unknown-type"],
  ["a type of tomorrow", { kty: "AKP", alg: "ML-DSA-44", pub: "AAAA" }, "unknown-type"],
  ["a type that objects inherit", { kty: "constructor" }, "unknown-type"],
  ["a shared secret", { kty: "oct", k: "c2VjcmV0" }, "symmetric"],
  [
    "a shared secret for HS256",
    { kty: "oct", k: "c2VjcmV0", alg: "HS256", use: "sig" },
    "symmetric",
  ],
  ["a private key", edPair.privateKey.export({ format: "jwk" }), "secret"],
  ["a private key with an empty secret", { ...RSA, d: "" }, "secret"],
  ["a private key of which d is left out", { ...RSA, p: "AAAA", q: "AAAA" }, "secret"],
  ["a key for encryption", { ...RSA, use: "enc" }, "other-use"],
  ["a key for encryption by its algorithm", { ...RSA, alg: "RSA-OAEP" }, "algorithm-not-allowed"],
  ["a key that signs", { ...ED, key_ops: ["sign"] }, "other-use"],
  ["a key of no operations", { ...ED, key_ops: [] }, "other-use"],
  ["a key whose operations are a text", { ...ED, key_ops: "verify" }, "other-use"],
  ["an X25519 key", { ...ED, crv: "X25519" }, "unknown-curve"],
  ["an Ed448 key", { kty: "OKP", crv: "Ed448", x: bytes(57) }, "unknown-curve"],
  ["a secp256k1 key", { ...EC, crv: "secp256k1" }, "unknown-curve"],
  ["a key of no curve", { ...EC, crv: undefined }, "unknown-curve"],
  ["a curve that is not allowed", ec("P-384"), "algorithm-not-allowed"],
  ["an algorithm that is not allowed", { ...RSA, alg: "RS512" }, "algorithm-not-allowed"],
  ["an algorithm of another type", { ...RSA, alg: "ES256" }, "algorithm-not-allowed"],
  ["an alg that is no text", { ...RSA, alg: 7 }, "algorithm-not-allowed"],
  ["an RSA key of 1024 bits", rsa(1024), "weak"],
  ["an RSA key of 2047 bits", { ...RSA, n: bytes(256, 0x7f) }, "weak"],
  [
    "an RSA key of 1024 bits behind zeros",
    { ...RSA, n: `${"A".repeat(172)}${rsa(1024).n}` },
    "weak",
  ],
  ["an RSA key of 4104 bits, which Deno cannot use", { ...RSA, n: bytes(513) }, "too-large"],
  ["an RSA key of no modulus", { ...RSA, n: undefined }, "malformed"],
  ["an RSA key of modulus zero", { ...RSA, n: "AAAA" }, "weak"],
  ["an RSA key whose modulus is no base64url", { ...RSA, n: "!" }, "malformed"],
  ["an RSA key of no exponent", { ...RSA, e: undefined }, "malformed"],
  ["an RSA key of exponent 1, by which everybody signs", { ...RSA, e: "AQ" }, "malformed"],
  ["an RSA key of an even exponent", { ...RSA, e: "Ag" }, "malformed"],
  ["an RSA key whose modulus is its exponent", { ...RSA, e: RSA.n }, "malformed"],
  ["an RSA key whose numbers are numbers", { ...RSA, e: 65537 }, "malformed"],
  ["a point on no curve", { ...EC, y: EC.x }, "malformed"],
  ["a point of other length", { ...EC, x: "AAAA" }, "malformed"],
  [
    "a point at zero",
    { ...EC, x: bytes(32, 0).replaceAll("_", "A"), y: "A".repeat(43) },
    "malformed",
  ],
  ["half a point", { ...EC, y: undefined }, "malformed"],
  ["an Ed25519 key of other length", { ...ED, x: "AAAA" }, "malformed"],
  ["an Ed25519 key on no curve", { ...ED, x: smallPoint("02") }, "malformed"],
  ["the Ed25519 point at zero, for which everybody signs", { ...ED, x: smallPoint("01") }, "weak"],
  ["an Ed25519 point of order 4", { ...ED, x: smallPoint("00") }, "weak"],
  ["an Ed25519 point of order 4 with its sign", { ...ED, x: `${"A".repeat(41)}IA` }, "weak"],
  ["an Ed25519 key of no point", { ...ED, x: undefined }, "malformed"],
  ["a name that is no text", { ...ED, kid: 7 }, "malformed"],
];
for (const [name, key, fault, algorithms = DEFAULTS] of SKIPPED) {
  Deno.test(`judgeKeys() skips ${name}: ${fault}`, () => {
    const { usable, skipped } = judgeKeys([key, { ...ED, kid: "good" }], algorithms);
    assert.deepEqual(skipped.map((skip) => skip.fault), [fault]);
    assert.deepEqual(usable, [{ ...ED, kid: "good" }]);
  });
}

Deno.test("judgeKeys() hands on nothing but what makes a key public", () => {
  const { usable } = judgeKeys(
    [{ ...RSA, kid: "a", use: "sig", ext: "yes", x5u: "http://x" }],
    DEFAULTS,
  );
  assert.deepEqual(usable, [{ kty: "RSA", n: RSA.n, e: RSA.e, kid: "a" }]);
});

Deno.test("judgeKeys() looks closely at 500 keys, and skips the rest", () => {
  const keys = Array.from({ length: 600 }, (_, at) => ({ ...ED, kid: `${at}` }));
  const { usable, skipped } = judgeKeys(keys, DEFAULTS);
  assert.equal(usable.length, 500);
  assert.deepEqual([...new Set(skipped.map(({ fault }) => fault))], ["too-many"]);
});

Deno.test("describeSkipped() names faults and a few kids, none of them whole where it is long", () => {
  assert.equal(describeSkipped([]), "");
  const skipped = Array.from({ length: 9 }, (_, at) => ({
    fault: at === 0 ? "secret" as const : "weak" as const,
    untrustedKid: at === 1 ? null : `${at}${"x".repeat(99)}`,
  }));
  const kid = (at: number) => `${at}${"x".repeat(39)}`;
  assert.equal(
    describeSkipped(skipped),
    `secret: 1, weak: 8 (kid ${[0, 2, 3, 4, 5].map(kid).join(", ")})`,
  );
});

Deno.test("no algorithm is known by which whoever verifies may sign", () => {
  assert.ok(SIGNATURE_ALGORITHMS.length > 0);
  assert.deepEqual(SIGNATURE_ALGORITHMS.filter((name) => /^(none|HS)/i.test(name)), []);
});
