import assert from "node:assert/strict";
import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import { KeysUnavailable } from "../../../services/errors.ts";
import { createRemoteKeySet } from "../../../services/auth/key_set.ts";
import { createTokenVerifier, type TokenPolicy } from "../../../services/auth/token_verifier.ts";
import { startJwksServer } from "../../support/jwks_server.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import {
  craftToken,
  createTestKey,
  jwksOf,
  TEST_AGENT,
  TEST_AUDIENCE,
  TEST_ISSUER,
} from "../../../simulator/kit/tokens.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const ed = await createTestKey("EdDSA", "ed");
const es = await createTestKey("ES256", "es");
const rs = await createTestKey("RS256", "rs");
const forger = await createTestKey("EdDSA", "ed");

const POLICY: TokenPolicy = {
  issuer: TEST_ISSUER,
  audiences: [TEST_AUDIENCE, "patchbay-next"],
  algorithms: ["EdDSA", "RS256", "ES256"],
  clockToleranceS: 30,
  agentClaim: "sub",
  scopeClaim: "scope",
};

/** A verifier over known keys, which counts how often it looked for one. */
function verifierWith(policy: Partial<TokenPolicy> = {}, cache: { maxCachedTokens?: number } = {}) {
  const clock = createVirtualClock();
  const local = createLocalJWKSet(jwksOf(ed, es, rs));
  const lookups = { count: 0 };
  const keyFor: JWTVerifyGetKey = (header, token) => {
    lookups.count += 1;
    return local(header, token);
  };
  const verifier = createTokenVerifier({
    keySet: { keyFor },
    policy: { ...POLICY, ...policy },
    clock,
    ...cache,
  });
  return { verifier, clock, lookups, nowMs: clock.now(), nowS: clock.now() / 1000 };
}

for (const key of [ed, es, rs]) {
  Deno.test(`verify() tells the agent of a token signed by ${key.algorithm}`, async () => {
    const { verifier, nowMs } = verifierWith();
    const verification = await verifier.verify(
      await key.sign({ scope: "sms:operate" }, { nowMs, lifetimeS: 300 }),
    );
    assert.deepEqual(verification, {
      ok: true,
      agent: {
        id: TEST_AGENT,
        scopes: new Set(["sms:operate"]),
        tokenExpiresAtMs: nowMs + 300_000,
      },
    });
  });
}

const NOW_S = createVirtualClock().now() / 1000;
const at = (nowMs: number, header: Record<string, unknown> = {}) => ({ nowMs, header });
const NOW_MS = NOW_S * 1000;

const good: [string, string][] = [
  ["any of the audiences", await ed.sign({ aud: "patchbay-next" }, at(NOW_MS))],
  ["several audiences, one of them ours", await ed.sign({ aud: ["x", "patchbay"] }, at(NOW_MS))],
  ["exp passed within the tolerance", await ed.sign({ exp: NOW_S - 29 }, at(NOW_MS))],
  ["nbf to come within the tolerance", await ed.sign({ nbf: NOW_S + 30 }, at(NOW_MS))],
  ["no typ", await ed.sign({}, at(NOW_MS, { typ: undefined }))],
  ["typ jwt in lower case", await ed.sign({}, at(NOW_MS, { typ: "jwt" }))],
  ["typ at+jwt", await ed.sign({}, at(NOW_MS, { typ: "AT+JWT" }))],
  ["typ application/at+jwt", await ed.sign({}, at(NOW_MS, { typ: "application/at+jwt" }))],
  ["no kid, where one key fits", await ed.sign({}, at(NOW_MS, { kid: undefined }))],
];
for (const [name, token] of good) {
  Deno.test(`verify() accepts a token with ${name}`, async () => {
    const { verifier } = verifierWith();
    assert.equal((await verifier.verify(token)).ok, true);
  });
}

const claims = { iss: TEST_ISSUER, aud: TEST_AUDIENCE, sub: TEST_AGENT, exp: NOW_S + 300 };
const honest = await ed.sign({}, at(NOW_MS));
const [header, , signature] = honest.split(".");
const swapped = [header, craftToken({}, { ...claims, sub: "agent-2" }).split(".")[1], signature];

/** HS256 with the public key's text for a secret: the confusion of RFC 8725 §2.1. */
async function hs256(): Promise<string> {
  const unsigned = craftToken({ alg: "HS256", kid: "rs" }, claims).replace(/\.$/, "");
  const secret = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(rs.publicPem),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const mac = await crypto.subtle.sign("HMAC", secret, new TextEncoder().encode(unsigned));
  const encoded = new Uint8Array(mac).toBase64({ alphabet: "base64url", omitPadding: true });
  return `${unsigned}.${encoded}`;
}

const bad: [string, string, string][] = [
  ["of no parts", "hunter2", "malformed"],
  ["empty", "", "malformed"],
  ["longer than 8 KiB", "a".repeat(8 * 1024 + 1), "too-long"],
  ["of JWE's five parts", "a.b.c.d.e", "malformed"],
  ["alg none without a signature", craftToken({ alg: "none" }, claims), "algorithm-not-allowed"],
  ["alg None in another case", craftToken({ alg: "None" }, claims), "algorithm-not-allowed"],
  ["HS256 with the public key as secret", await hs256(), "algorithm-not-allowed"],
  ["forged under a known kid", await forger.sign({}, at(NOW_MS)), "bad-signature"],
  ["with claims exchanged", swapped.join("."), "bad-signature"],
  ["of an unknown kid", await ed.sign({}, at(NOW_MS, { kid: "other" })), "unknown-key"],
  [
    "with an unknown crit",
    craftToken({ alg: "EdDSA", kid: "ed", crit: ["x"], x: 1 }, claims, "AA"),
    "malformed",
  ],
  ["of another issuer", await ed.sign({ iss: "https://other.test/" }, at(NOW_MS)), "wrong-issuer"],
  [
    "of the issuer without its slash",
    await ed.sign({ iss: "https://issuer.test" }, at(NOW_MS)),
    "wrong-issuer",
  ],
  ["of no issuer", await ed.sign({ iss: undefined }, at(NOW_MS)), "wrong-issuer"],
  ["for another audience", await ed.sign({ aud: "other" }, at(NOW_MS)), "wrong-audience"],
  ["for no audience", await ed.sign({ aud: undefined }, at(NOW_MS)), "wrong-audience"],
  ["without exp", await ed.sign({ exp: undefined }, at(NOW_MS)), "bad-claims"],
  ["with an exp that is text", await ed.sign({ exp: "2099" }, at(NOW_MS)), "bad-claims"],
  ["expired beyond the tolerance", await ed.sign({ exp: NOW_S - 30 }, at(NOW_MS)), "expired"],
  ["not valid yet", await ed.sign({ nbf: NOW_S + 31 }, at(NOW_MS)), "not-yet-valid"],
  ["of typ dpop+jwt", await ed.sign({}, at(NOW_MS, { typ: "dpop+jwt" })), "wrong-type"],
  ["of a typ that is no text", await ed.sign({}, at(NOW_MS, { typ: 1 })), "wrong-type"],
  ["without the agent claim", await ed.sign({ sub: undefined }, at(NOW_MS)), "no-agent"],
  ["with a blank agent claim", await ed.sign({ sub: " " }, at(NOW_MS)), "no-agent"],
  [
    "with a control character in the agent claim",
    await ed.sign({ sub: "agent-1\0x" }, at(NOW_MS)),
    "no-agent",
  ],
  [
    "with half a character in the agent claim",
    await ed.sign({ sub: "agent-\ud800" }, at(NOW_MS)),
    "no-agent",
  ],
  [
    "with an agent claim of 513 characters",
    await ed.sign({ sub: "a".repeat(513) }, at(NOW_MS)),
    "no-agent",
  ],
  ["with a number for the agent claim", await ed.sign({ sub: 7 }, at(NOW_MS)), "no-agent"],
];
for (const [name, token, reason] of bad) {
  Deno.test(`verify() refuses a token ${name}, twice`, async () => {
    const { verifier } = verifierWith();
    assert.deepEqual(await verifier.verify(token), { ok: false, reason });
    assert.deepEqual(await verifier.verify(token), { ok: false, reason });
  });
}

Deno.test("verify() refuses a known key's algorithm that is not on the list", async () => {
  const { verifier, nowMs } = verifierWith({ algorithms: ["RS256"] });
  assert.deepEqual(await verifier.verify(await ed.sign({}, { nowMs })), {
    ok: false,
    reason: "algorithm-not-allowed",
  });
});

const agentClaims = ["agent", "https://patchbay.test/agent", "__proto__x", "nickname"];
for (const agentClaim of agentClaims) {
  Deno.test(`verify() takes the agent from the claim ${agentClaim}`, async () => {
    const { verifier, nowMs } = verifierWith({ agentClaim });
    const verification = await verifier.verify(await ed.sign({ [agentClaim]: "a7" }, { nowMs }));
    assert.ok(verification.ok);
    assert.equal(verification.agent.id, "a7");
  });
}

Deno.test("verify() does not take what objects inherit for a claim", async () => {
  const { verifier, nowMs } = verifierWith({ agentClaim: "constructor", scopeClaim: "toString" });
  assert.deepEqual(await verifier.verify(await ed.sign({}, { nowMs })), {
    ok: false,
    reason: "no-agent",
  });
});

const scopeForms: [string, unknown, string[]][] = [
  ["a text of scopes", "sms:operate sessions:read", ["sms:operate", "sessions:read"]],
  ["a text with spare spaces", " sms:operate  ", ["sms:operate"]],
  ["an array", ["sms:operate", "sessions:read"], ["sms:operate", "sessions:read"]],
  ["an array with other things in it", ["sms:operate", 1, null], ["sms:operate"]],
  ["no claim", undefined, []],
  ["an empty text", "", []],
  ["an object", { "sms:operate": true }, []],
];
for (const [name, scope, scopes] of scopeForms) {
  Deno.test(`verify() reads the scopes from ${name}`, async () => {
    const { verifier, nowMs } = verifierWith({ scopeClaim: "scp" });
    const verification = await verifier.verify(await ed.sign({ scp: scope }, { nowMs }));
    assert.ok(verification.ok);
    assert.deepEqual([...verification.agent.scopes], scopes);
  });
}

Deno.test("verify() tries each key that fits a token without kid", async () => {
  const twins = await Promise.all(["a", "b", "c"].map((kid) => createTestKey("EdDSA", kid)));
  const clock = createVirtualClock();
  const verifier = createTokenVerifier({
    keySet: { keyFor: createLocalJWKSet(jwksOf(...twins)) },
    policy: POLICY,
    clock,
  });
  for (const key of twins) {
    const token = await key.sign({}, { nowMs: clock.now(), header: { kid: undefined } });
    assert.equal((await verifier.verify(token)).ok, true, key.kid);
  }
  const forged = await forger.sign({}, { nowMs: clock.now(), header: { kid: undefined } });
  assert.deepEqual(await verifier.verify(forged), { ok: false, reason: "bad-signature" });
  const late = await twins[2]?.sign({ exp: 1 }, { header: { kid: undefined } }) ?? "";
  assert.deepEqual(await verifier.verify(late), { ok: false, reason: "expired" });
});

Deno.test("verify() remembers a good token for 60 s", async () => {
  const { verifier, clock, lookups, nowMs } = verifierWith();
  const token = await ed.sign({}, { nowMs });
  await verifier.verify(token);
  clock.advance(59_999);
  await verifier.verify(token);
  assert.equal(lookups.count, 1);
  clock.advance(1);
  await verifier.verify(token);
  assert.equal(lookups.count, 2);
});

Deno.test("verify() does not remember a token past its exp, tolerance or not", async () => {
  const { verifier, clock, lookups, nowMs } = verifierWith();
  const token = await ed.sign({}, { nowMs, lifetimeS: 10 });
  await verifier.verify(token);
  clock.advance(9_999);
  await verifier.verify(token);
  assert.equal(lookups.count, 1);
  clock.advance(1);
  assert.equal((await verifier.verify(token)).ok, true, "good by tolerance");
  assert.equal((await verifier.verify(token)).ok, true);
  assert.equal(lookups.count, 3, "but checked each time");
  clock.advance(30_000);
  assert.deepEqual(await verifier.verify(token), { ok: false, reason: "expired" });
});

Deno.test("verify() remembers as many tokens as it may, the least recently used going first", async () => {
  const { verifier, lookups, nowMs } = verifierWith({}, { maxCachedTokens: 2 });
  const [a = "", b = "", c = ""] = await Promise.all(
    ["a", "b", "c"].map((jti) => ed.sign({ jti }, { nowMs })),
  );
  for (const token of [a, b, a, c]) await verifier.verify(token);
  assert.equal(lookups.count, 3);
  await verifier.verify(a);
  assert.equal(lookups.count, 3, "a was used after b");
  await verifier.verify(b);
  assert.equal(lookups.count, 4, "b had to go");
});

Deno.test("verify() does not remember bad tokens", async () => {
  const { verifier, lookups, nowMs } = verifierWith({}, { maxCachedTokens: 1 });
  const token = await ed.sign({}, { nowMs });
  await verifier.verify(token);
  await verifier.verify(await forger.sign({}, { nowMs }));
  await verifier.verify(token);
  assert.equal(lookups.count, 2);
});

Deno.test("verify() throws KeysUnavailable when no key set was ever had", async () => {
  await using server = startJwksServer();
  const clock = createVirtualClock();
  const keySet = createRemoteKeySet({ url: server.url, fetch, clock, log: createMemoryLog() });
  const verifier = createTokenVerifier({ keySet, policy: POLICY, clock });
  const token = await ed.sign({}, { nowMs: clock.now() });
  await assert.rejects(verifier.verify(token), KeysUnavailable);
});

Deno.test("verify() makes one request for 20 cold tokens, and none for what no key could help", async () => {
  await using server = startJwksServer();
  server.publish(ed.jwks);
  const clock = createVirtualClock();
  const keySet = createRemoteKeySet({ url: server.url, fetch, clock, log: createMemoryLog() });
  const verifier = createTokenVerifier({ keySet, policy: POLICY, clock });
  await verifier.verify(craftToken({ alg: "none" }, claims));
  await verifier.verify(await hs256());
  await verifier.verify("hunter2");
  assert.equal(server.requests, 0);
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, jti) => ed.sign({ jti: `${jti}` }, { nowMs: clock.now() })),
  );
  const verified = await Promise.all(tokens.map((token) => verifier.verify(token)));
  assert.ok(verified.every(({ ok }) => ok));
  assert.equal(server.requests, 1);
});

const unsafePolicies: [string, Partial<TokenPolicy>][] = [
  ["none", { algorithms: ["RS256", "none"] }],
  ["HS256", { algorithms: ["HS256"] }],
  ["no algorithm", { algorithms: [] }],
  ["no audience", { audiences: [] }],
  ["no issuer", { issuer: "" }],
];
for (const [name, policy] of unsafePolicies) {
  Deno.test(`createTokenVerifier() refuses a policy with ${name}`, () => {
    assert.throws(() => verifierWith(policy), TypeError);
  });
}
