import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  craftToken,
  createTestKey,
  TEST_AUDIENCE,
  TEST_ISSUER,
} from "../../simulator/kit/tokens.ts";
import { startIssuerServer } from "../support/issuer_server.ts";
import { startJwksServer } from "../support/jwks_server.ts";
import {
  type Environment,
  type PatchbayProcess,
  runPatchbayToItsEnd,
  startPatchbayProcess,
} from "../support/patchbay_process.ts";
import { signWithSecret } from "../support/raw_tokens.ts";
import { createClient } from "./client.ts";
import { assertProblem } from "./problem.ts";

const GOOD: Environment = {
  UPSTREAM_URL: "https://contact-centre.example",
  JWT_ISSUER: TEST_ISSUER,
  JWT_AUDIENCE: TEST_AUDIENCE,
  SQLITE_PATH: ":memory:",
};

const SCOPE = { scope: "sessions:read" };

/** What a Patchbay says to a token: 200, or the code of a problem. */
async function verdict(patchbay: Pick<PatchbayProcess, "url">, token: string): Promise<string> {
  const answer = await createClient(() => patchbay.url, token).get("/v1/sessions");
  if (answer.status === 200) return "200";
  const code = answer.status === 401 ? "unauthenticated" : "keys-unavailable";
  assertProblem(answer, code);
  return code;
}

const spki = (key: KeyObject) => String(key.export({ type: "spki", format: "pem" }));
const json = (key: KeyObject) => JSON.stringify(key.export({ format: "jwk" }));
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });

Deno.test("a JWT_PUBLIC_KEY that verifies no token ends the start with status 78 and one line", async () => {
  const texts = [
    spki(rsa.publicKey).slice(0, 200),
    String(rsa.privateKey.export({ type: "pkcs8", format: "pem" })),
    spki(weak.publicKey),
    json(weak.publicKey),
    json(rsa.privateKey),
    json(p384.publicKey),
    '{"keys":[]}',
    '{"kty":"oct","k":"c2VjcmV0"}',
  ];
  const ends = await Promise.all(
    texts.map((text) => runPatchbayToItsEnd({ ...GOOD, JWT_PUBLIC_KEY: text })),
  );
  for (const [at, { code, stdout, stderr }] of ends.entries()) {
    assert.equal(code, 78, `${texts[at]}: ${stderr}`);
    assert.equal(stdout, "");
    assert.match(stderr, /^Cannot use JWT_PUBLIC_KEY=\(hidden\): expected [^\n]+, but [^\n]+\n$/);
  }
});

Deno.test("several issuers with one source of keys, and issuers that tell none, end it so too", async () => {
  const two = "https://a.test,https://b.test";
  const faults: readonly [Environment, RegExp][] = [
    [{ JWT_ISSUER: two, JWKS_URL: "https://a.test/keys" }, /JWKS_URL .*JWT_ISSUER/],
    [{ JWT_ISSUER: two, JWT_PUBLIC_KEY: spki(rsa.publicKey) }, /JWT_PUBLIC_KEY .*JWT_ISSUER/],
    [{ JWT_ISSUER: "patchbay" }, /JWKS_URL.*JWT_PUBLIC_KEY/],
  ];
  const ends = await Promise.all(faults.map(([env]) => runPatchbayToItsEnd({ ...GOOD, ...env })));
  for (const [at, { code, stderr }] of ends.entries()) {
    assert.equal(code, 78, stderr);
    assert.match(stderr, faults[at]?.[1] ?? /^$/);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});

Deno.test("a weak key in the set lets nobody in, hinders nobody else and fills no log", async () => {
  await using issuer = startJwksServer();
  const key = await createTestKey("RS256", "good");
  const weakJwk = { ...weak.publicKey.export({ format: "jwk" }), kid: "weak" };
  issuer.answer(() => Response.json({ keys: [weakJwk, ...key.jwks.keys] }));
  await using patchbay = await startPatchbayProcess({ ...GOOD, JWKS_URL: issuer.url.href });
  const claims = {
    iss: TEST_ISSUER,
    aud: TEST_AUDIENCE,
    sub: "agent-1",
    exp: 4_102_444_800,
    ...SCOPE,
  };

  assert.equal(await verdict(patchbay, await key.sign(SCOPE)), "200");
  assert.equal(
    await verdict(patchbay, await key.sign(SCOPE, { header: { kid: undefined } })),
    "200",
  );
  const strangers = [
    craftToken({ alg: "RS256", kid: "weak" }, claims, "AAAA"),
    craftToken({ alg: "RS256" }, claims, "AAAA"),
    craftToken({ alg: "none" }, claims),
    signWithSecret("HS256", key.publicPem, { header: { kid: "good" }, claims }),
    await key.sign({ ...SCOPE, padding: "x".repeat(20_000) }),
  ];
  for (const token of strangers) assert.equal(await verdict(patchbay, token), "unauthenticated");

  const refusals = await patchbay.log.until("a refusal for each", (lines) => {
    const words = lines.flatMap(({ refusal }) => refusal === undefined ? [] : [refusal]);
    return words.length >= strangers.length ? words : undefined;
  });
  const lines = patchbay.log.items;
  assert.equal(lines.filter(({ event }) => event === "key_set.unusable_keys").length, 1);
  assert.ok(!lines.some(({ event }) => event === "request.crashed"));
  assert.deepEqual(refusals, [
    "no-key",
    "bad-signature",
    "algorithm-not-allowed",
    "algorithm-not-allowed",
    "too-long",
  ]);
});

Deno.test("several issuers tell their own keys, and one that is down touches nobody else's tokens", async () => {
  await using first = startIssuerServer("/realms/first");
  await using second = startIssuerServer("/realms/second/");
  await using down = startIssuerServer();
  down.answerAt("/.well-known/openid-configuration", () => new Response(null, { status: 503 }));
  const [one, two] = await Promise.all([createTestKey("EdDSA", "k"), createTestKey("EdDSA", "k")]);
  first.publish(one.jwks);
  second.publish(two.jwks);
  const JWT_ISSUER = [first, second, down].map(({ issuer }) => issuer).join(", ");
  await using patchbay = await startPatchbayProcess({ ...GOOD, JWT_ISSUER });
  const judge = async (key: typeof one, iss: string) =>
    await verdict(patchbay, await key.sign({ iss, ...SCOPE }));

  // Twice, as the tokens that were good are remembered.
  for (let round = 0; round < 2; round++) {
    assert.equal(await judge(one, first.issuer), "200");
    assert.equal(await judge(two, second.issuer), "200");
    assert.equal(await judge(one, second.issuer), "unauthenticated");
    assert.equal(await judge(two, first.issuer), "unauthenticated");
    assert.equal(await judge(one, "https://stranger.test/"), "unauthenticated");
    assert.equal(await judge(one, down.issuer), "keys-unavailable");
  }
  assert.deepEqual(first.asked, ["/realms/first/.well-known/openid-configuration", "/keys"]);
  const ready = await fetch(`${patchbay.url}/readyz`);
  assert.equal(ready.status, 200);
  assert.deepEqual(await ready.json(), { status: "degraded", keys: "missing of 1 of 3 issuers" });
});
