import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign } from "node:crypto";
import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import { KeysUnavailable } from "../../../services/errors.ts";
import { keysAt } from "../../../services/auth/key_source.ts";
import { createRemoteKeySet } from "../../../services/auth/remote_key_set.ts";
import { tokenIdOf } from "../../../services/auth/revocations.ts";
import type { TokenPolicy } from "../../../services/auth/token_check.ts";
import { createTokenVerifier } from "../../../services/auth/token_verifier.ts";
import { NO_REVOCATIONS } from "../../support/no_revocations.ts";
import { hang, type JwksServer, startJwksServer } from "../../support/jwks_server.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import {
  craftToken,
  createTestKey,
  jwksOf,
  TEST_AGENT,
  TEST_AUDIENCE,
  TEST_ISSUER,
} from "../../../simulator/kit/tokens.ts";
import { createVirtualClock, type VirtualClock } from "../../support/virtual_clock.ts";

const ed = await createTestKey("EdDSA", "ed");
const es = await createTestKey("ES256", "es");
const rs = await createTestKey("RS256", "rs");
const forger = await createTestKey("EdDSA", "ed");

const renew = () => Promise.resolve(false);

const POLICY: TokenPolicy = {
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
    keySets: new Map([[TEST_ISSUER, { keyFor, renew }]]),
    revocations: NO_REVOCATIONS,
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

const noAgents: [string, Record<string, unknown>][] = [
  ["without the agent claim", { sub: undefined }],
  ["with a blank agent claim", { sub: " " }],
  ["with a control character in the agent claim", { sub: "agent-1\0x" }],
  ["with half a character in the agent claim", { sub: "agent-\ud800" }],
  ["with an agent claim of 513 characters", { sub: "a".repeat(513) }],
  ["with a number for the agent claim", { sub: 7 }],
  ["with an array for the agent claim", { sub: ["agent-1"] }],
  ["with an object for the agent claim", { sub: { id: "agent-1" } }],
];
for (const [name, claims] of noAgents) {
  Deno.test(`verify() refuses a token ${name}`, async () => {
    const { verifier, nowMs } = verifierWith();
    assert.deepEqual(await verifier.verify(await ed.sign(claims, { nowMs })), {
      ok: false,
      reason: "no-agent",
    });
  });
}

Deno.test("verify() refuses a token that is longer than 8 KiB, whoever signed it", async () => {
  const { verifier, nowMs, lookups } = verifierWith();
  for (const length of [8 * 1024, 64 * 1024]) {
    const token = await ed.sign({ padding: "x".repeat(length) }, { nowMs });
    assert.deepEqual(await verifier.verify(token), { ok: false, reason: "too-long" });
  }
  assert.equal(lookups.count, 0);
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
  ["a number", 7, []],
  ["true", true, []],
  ["null", null, []],
  ["an array in an array", [["sms:operate"]], []],
  ["an array of a text of scopes, which is no scope", ["sms:operate sessions:read"], [
    "sms:operate sessions:read",
  ]],
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
    keySets: new Map([[TEST_ISSUER, { keyFor: createLocalJWKSet(jwksOf(...twins)), renew }]]),
    revocations: NO_REVOCATIONS,
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

/** A verifier of one issuer, whose keys are at `server`. */
function verifierOver(server: JwksServer, clock: VirtualClock, issuer = TEST_ISSUER) {
  const keySet = createRemoteKeySet({
    issuer,
    source: keysAt({ url: server.url, fetch }),
    algorithms: POLICY.algorithms,
    clock,
    log: createMemoryLog(),
  });
  const keySets = new Map([[issuer, keySet]]);
  return createTokenVerifier({ keySets, revocations: NO_REVOCATIONS, policy: POLICY, clock });
}

Deno.test("verify() throws KeysUnavailable when no key set was ever had", async () => {
  await using server = startJwksServer();
  const clock = createVirtualClock();
  const verifier = verifierOver(server, clock);
  const token = await ed.sign({}, { nowMs: clock.now() });
  await assert.rejects(verifier.verify(token), KeysUnavailable);
});

Deno.test("verify() makes one request for 20 cold tokens, and none for what no key could help", async () => {
  await using server = startJwksServer();
  server.publish(ed.jwks);
  const clock = createVirtualClock();
  const verifier = verifierOver(server, clock);
  const claims = { iss: TEST_ISSUER, aud: TEST_AUDIENCE, exp: clock.now() / 1000 + 300 };
  await verifier.verify(craftToken({ alg: "none" }, claims));
  await verifier.verify(craftToken({ alg: "HS256" }, claims, "AAAA"));
  await verifier.verify(craftToken({ alg: "EdDSA" }, { ...claims, iss: "https://other.test/" }));
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
];
for (const [name, policy] of unsafePolicies) {
  Deno.test(`createTokenVerifier() refuses a policy with ${name}`, () => {
    assert.throws(() => verifierWith(policy), TypeError);
  });
}

Deno.test("createTokenVerifier() refuses to know no issuer, or one without a name", () => {
  const keySet = { keyFor: createLocalJWKSet(ed.jwks), renew };
  const options = { revocations: NO_REVOCATIONS, policy: POLICY, clock: createVirtualClock() };
  for (const keySets of [new Map(), new Map([["", keySet]])]) {
    assert.throws(() => createTokenVerifier({ ...options, keySets }), TypeError);
  }
});

Deno.test("verify() refuses a revoked token that it has just remembered", async () => {
  const clock = createVirtualClock();
  const revoked = new Set<string>();
  const asked: string[] = [];
  const verifier = createTokenVerifier({
    keySets: new Map([[TEST_ISSUER, { keyFor: createLocalJWKSet(ed.jwks), renew }]]),
    revocations: {
      isRevoked(tokenId) {
        asked.push(tokenId);
        return Promise.resolve(revoked.has(tokenId));
      },
    },
    policy: POLICY,
    clock,
  });
  const [first = "", second = "", nameless = ""] = await Promise.all(
    ["a", "b", undefined].map((jti) => ed.sign({ jti }, { nowMs: clock.now() })),
  );
  const oks = async () =>
    (await Promise.all([first, second, nameless].map(verifier.verify))).map(({ ok }) => ok);
  assert.deepEqual(await oks(), [true, true, true]);
  revoked.add(tokenIdOf("a"));
  assert.deepEqual(await verifier.verify(first), { ok: false, reason: "revoked" });
  assert.deepEqual(await oks(), [false, true, true]);
  revoked.clear();
  assert.deepEqual(await oks(), [true, true, true], "only the list says so");
  assert.deepEqual(new Set(asked), new Set([tokenIdOf("a"), tokenIdOf("b")]));
});

Deno.test("verify() asks nobody about the revocation of a token that proves nothing", async () => {
  const clock = createVirtualClock();
  const verifier = createTokenVerifier({
    keySets: new Map([[TEST_ISSUER, { keyFor: createLocalJWKSet(ed.jwks), renew }]]),
    revocations: { isRevoked: () => Promise.reject(new Error("Cannot be asked here")) },
    policy: POLICY,
    clock,
  });
  for (const claims of [{ sub: "" }, { aud: "other" }, { exp: 1 }]) {
    const token = await ed.sign({ jti: "a", ...claims }, { nowMs: clock.now() });
    assert.equal((await verifier.verify(token)).ok, false);
  }
  const forged = await forger.sign({ jti: "a" }, { nowMs: clock.now() });
  assert.equal((await verifier.verify(forged)).ok, false);
});

const ISSUERS = ["https://one.test/", "https://two.test/"] as const;

/** A verifier of two issuers, each with its own server. */
function verifierOfTwo(servers: readonly [JwksServer, JwksServer]) {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const keySets = new Map(ISSUERS.map((issuer, at) => {
    const source = keysAt({ url: (servers[at] ?? servers[0]).url, fetch });
    const { algorithms } = POLICY;
    return [issuer, createRemoteKeySet({ issuer, source, algorithms, clock, log })] as const;
  }));
  const options = { keySets, revocations: NO_REVOCATIONS, policy: POLICY, clock };
  return { clock, verifier: createTokenVerifier(options) };
}

Deno.test("verify() holds a token against the keys of its own issuer, also where both call theirs the same", async () => {
  await using one = startJwksServer();
  await using two = startJwksServer();
  const keys = [ed, forger] as const; // Both are called `ed`.
  one.publish(keys[0].jwks);
  two.publish(keys[1].jwks);
  const { clock, verifier } = verifierOfTwo([one, two]);
  const nowMs = clock.now();
  for (let round = 0; round < 2; round++) {
    for (const [at, key] of keys.entries()) {
      for (const kid of ["ed", undefined]) {
        for (const iss of ISSUERS) {
          const verification = await verifier.verify(
            await key.sign({ iss }, { nowMs, header: { kid } }),
          );
          if (iss === ISSUERS[at]) assert.ok(verification.ok);
          else assert.deepEqual(verification, { ok: false, reason: "bad-signature" });
        }
      }
    }
  }
});

Deno.test("verify() takes the tokens of one issuer while the other is down", async () => {
  await using one = startJwksServer();
  await using two = startJwksServer();
  one.publish(ed.jwks);
  two.answer(hang);
  const { clock, verifier } = verifierOfTwo([one, two]);
  const tokenOf = (iss: string) => ed.sign({ iss }, { nowMs: clock.now() });
  const waiting = verifier.verify(await tokenOf(ISSUERS[1]));
  await two.whenRequested(1);
  assert.equal((await verifier.verify(await tokenOf(ISSUERS[0]))).ok, true, "beside it");
  clock.advance(5_000);
  await assert.rejects(waiting, KeysUnavailable);
  assert.equal((await verifier.verify(await tokenOf(ISSUERS[0]))).ok, true, "and after it");
  two.publish(forger.jwks);
  clock.advance(30_000);
  const token = await forger.sign({ iss: ISSUERS[1] }, { nowMs: clock.now() });
  assert.equal((await verifier.verify(token)).ok, true);
  assert.equal(one.requests, 1);
});

for (const kid of ["ed", undefined]) {
  Deno.test(`verify() sees a rotation within one fetch where the kid is ${kid} before and after`, async () => {
    await using server = startJwksServer();
    server.publish(ed.jwks);
    const clock = createVirtualClock();
    const verifier = verifierOver(server, clock);
    const sign = (key: typeof ed) => key.sign({}, { nowMs: clock.now(), header: { kid } });
    assert.equal((await verifier.verify(await sign(ed))).ok, true);
    server.publish(forger.jwks); // Another key of the same name.
    clock.advance(29_999);
    assert.equal((await verifier.verify(await sign(forger))).ok, false, "within the cooldown");
    assert.equal(server.requests, 1);
    clock.advance(1);
    assert.equal((await verifier.verify(await sign(forger))).ok, true);
    assert.deepEqual(await verifier.verify(await sign(ed)), { ok: false, reason: "bad-signature" });
    assert.equal(server.requests, 2);
  });
}

Deno.test("verify() asks for the keys once per cooldown, however many forge a known kid", async () => {
  await using server = startJwksServer();
  server.publish(ed.jwks);
  const clock = createVirtualClock();
  const verifier = verifierOver(server, clock);
  const forge = (at: number) => forger.sign({ at }, { nowMs: clock.now() });
  for (let round = 1; round <= 3; round++) {
    const forged = await Promise.all(Array.from({ length: 200 }, (_, at) => forge(at)));
    for (const verification of await Promise.all(forged.map(verifier.verify))) {
      assert.deepEqual(verification, { ok: false, reason: "bad-signature" });
    }
    assert.equal(server.requests, round);
    clock.advance(30_000);
  }
});

Deno.test("verify() takes good tokens without kid although a weak key stands first, and weak ones never", async () => {
  await using server = startJwksServer();
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const weakJwk = { ...weak.publicKey.export({ format: "jwk" }), kid: "weak" };
  server.answer(() => Response.json({ keys: [weakJwk, ...jwksOf(rs, es).keys] }));
  const clock = createVirtualClock();
  const verifier = verifierOver(server, clock);
  const nowMs = clock.now();
  for (const key of [rs, es]) {
    const token = await key.sign({}, { nowMs, header: { kid: undefined } });
    assert.equal((await verifier.verify(token)).ok, true);
  }
  const claims = { iss: TEST_ISSUER, aud: TEST_AUDIENCE, sub: TEST_AGENT, exp: nowMs / 1000 + 300 };
  for (const [kid, reason] of [["weak", "no-key"], [undefined, "bad-signature"]] as const) {
    const unsigned = craftToken({ alg: "RS256", kid }, claims).slice(0, -1);
    const signature = sign("sha256", Buffer.from(unsigned), weak.privateKey).toString("base64url");
    assert.deepEqual(await verifier.verify(`${unsigned}.${signature}`), { ok: false, reason });
  }
});
