import assert from "node:assert/strict";
import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import {
  type CheckedToken,
  checkToken,
  LATEST_EXP_S,
  type TokenFault,
  type TokenPolicy,
} from "../../../services/auth/token_check.ts";
import {
  craftToken,
  createTestKey,
  jwksOf,
  TEST_AGENT,
  TEST_AUDIENCE,
  TEST_ISSUER,
} from "../../../simulator/kit/tokens.ts";
import { base64url, createRawSigner, signWithSecret } from "../../support/raw_tokens.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const ed = await createTestKey("EdDSA", "ed");
const es = await createTestKey("ES256", "es");
const rs = await createTestKey("RS256", "rs");
const forger = await createTestKey("EdDSA", "ed");
const raw = createRawSigner("raw");

const clock = createVirtualClock();
const NOW_MS = clock.now();
const NOW_S = NOW_MS / 1000;

const POLICY: TokenPolicy = {
  audiences: [TEST_AUDIENCE, "patchbay-next"],
  algorithms: ["EdDSA", "RS256", "ES256"],
  clockToleranceS: 30,
  agentClaim: "sub",
  scopeClaim: "scope",
};

const OTHER_ISSUER = "https://other.test/";
const keys = createLocalJWKSet({ keys: [...jwksOf(ed, es, rs).keys, raw.publicJwk] });
const keysOf = (keyFor: JWTVerifyGetKey) => ({ keyFor, renew: () => Promise.resolve(false) });

function check(token: string, policy: Partial<TokenPolicy> = {}): Promise<CheckedToken> {
  return checkToken(token, {
    keySets: new Map([
      [TEST_ISSUER, keysOf(keys)],
      [OTHER_ISSUER, keysOf(createLocalJWKSet(forger.jwks))],
    ]),
    policy: { ...POLICY, ...policy },
    clock,
  });
}

const claims = { iss: TEST_ISSUER, aud: TEST_AUDIENCE, sub: TEST_AGENT, exp: NOW_S + 300 };
const claimsText = JSON.stringify(claims);
const HEADER = '{"alg":"EdDSA","kid":"raw"}';
const signed = (
  changes: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
) => ed.sign(changes, { nowMs: NOW_MS, header });

/** The claims with members written in by hand. */
const withMembers = (members: string) => `${claimsText.slice(0, -1)},${members}}`;

const GOOD: readonly [name: string, token: string][] = [
  ["any of the audiences", await signed({ aud: "patchbay-next" })],
  ["several audiences, one of them ours", await signed({ aud: ["x", "patchbay"] })],
  ["our audience among what is no text", await signed({ aud: [7, null, "patchbay"] })],
  ["exp passed within the tolerance", await signed({ exp: NOW_S - 29 })],
  ["exp with a fraction", await signed({ exp: NOW_S + 0.5 })],
  ["exp in the year 9999", await signed({ exp: LATEST_EXP_S })],
  ["nbf to come within the tolerance", await signed({ nbf: NOW_S + 30 })],
  ["iat to come", await signed({ iat: NOW_S + 300 })],
  ["no typ", await signed({}, { typ: undefined })],
  ["typ jwt in lower case", await signed({}, { typ: "jwt" })],
  ["typ at+jwt", await signed({}, { typ: "AT+JWT" })],
  ["typ application/at+jwt", await signed({}, { typ: "application/at+jwt" })],
  ["no kid, where one key fits", await es.sign({}, { nowMs: NOW_MS, header: { kid: undefined } })],
  ["one member in two objects", raw.sign(HEADER, withMembers('"a":{"x":1},"b":{"x":2}'))],
  ["blanks between its members", raw.sign(` ${HEADER}\n`, JSON.stringify(claims, null, 2))],
];
for (const [name, token] of GOOD) {
  Deno.test(`checkToken() accepts a token with ${name}`, async () => {
    const checked = await check(token);
    assert.ok(checked.ok, JSON.stringify(checked));
    assert.equal(checked.claims.sub, TEST_AGENT);
    assert.ok(Number.isSafeInteger(checked.expiresAtMs));
  });
}

const honest = await signed();
const [header = "", payload = "", signature = ""] = honest.split(".");
const [, otherPayload] = craftToken({}, { ...claims, sub: "agent-2" }).split(".");
const forgerJwk = forger.publicJwk;
/** The same bytes, spelled otherwise: a last letter whose stray bits no encoder sets. */
const strayBits = (part: string) =>
  part.slice(0, -1) + String.fromCharCode((part.at(-1) ?? "").charCodeAt(0) + 1);
const invalidUtf8 = new Uint8Array([
  ...new TextEncoder().encode(claimsText.slice(0, -2)),
  0xff,
  ...new TextEncoder().encode('"}'),
]);

const ELSEWHERE = "http://127.0.0.1:9/keys";
const HS = { claims, header: { kid: "rs" } };
const BAD: readonly [name: string, token: string, reason: TokenFault][] = [
  ["of no parts", "hunter2", "malformed"],
  ["of nothing", "", "malformed"],
  ["of nothing but dots", "..", "malformed"],
  ["of JWE's five parts", "a.b.c.d.e", "malformed"],
  [
    "of JWE's header in three parts",
    craftToken({ alg: "dir", enc: "A256GCM" }, claims, "AAAA"),
    "algorithm-not-allowed",
  ],
  ["that is nested", raw.sign('{"alg":"EdDSA","kid":"raw","cty":"JWT"}', honest), "malformed"],
  ["with a dot behind it", `${honest}.`, "malformed"],
  ["with two dots behind it", `${honest}..`, "malformed"],
  ["with a dot before it", `.${honest}`, "malformed"],
  ["without its signature", `${header}.${payload}.`, "bad-signature"],
  ["without its signature and the dot", `${header}.${payload}`, "malformed"],
  ["with a signature cut short", `${header}.${payload}.${signature.slice(0, 64)}`, "bad-signature"],
  ["with padding behind its signature", `${honest}==`, "malformed"],
  ["with padding behind its claims", `${header}.${payload}==.${signature}`, "malformed"],
  ["with a blank in it", `${header}. ${payload}.${signature}`, "malformed"],
  ["with a line break behind it", `${honest}\n`, "malformed"],
  [
    "with a line break in it",
    `${header}.${payload.slice(0, 8)}\n${payload.slice(8)}.${signature}`,
    "malformed",
  ],
  ["with a letter of plain base64", honest.replace(/[-_]?$/, "+"), "malformed"],
  ["with stray bits in its signature", `${header}.${payload}.${strayBits(signature)}`, "malformed"],
  ["with a letter too many in its signature", `${honest}AAA`, "malformed"],
  ["whose header is no JSON", `${base64url("{alg:EdDSA}")}.${payload}.${signature}`, "malformed"],
  ["whose header is a text", raw.sign('"EdDSA"', claimsText), "malformed"],
  ["whose header is null", raw.sign("null", claimsText), "malformed"],
  ["whose header is an array", raw.sign(`[${HEADER}]`, claimsText), "malformed"],
  ["whose header has no alg", raw.sign('{"kid":"raw"}', claimsText), "malformed"],
  ["whose alg is no text", raw.sign('{"kid":"raw","alg":["EdDSA"]}', claimsText), "malformed"],
  ["whose claims are an array", raw.sign(HEADER, `[${claimsText}]`), "malformed"],
  ["whose claims are no UTF-8", raw.sign(HEADER, invalidUtf8), "malformed"],
  ["with a byte order mark", raw.sign(HEADER, `\ufeff${claimsText}`), "malformed"],
  [
    "nested deeper than 64 levels",
    raw.sign(HEADER, withMembers(`"a":${"[".repeat(64)}${"]".repeat(64)}`)),
    "malformed",
  ],
  ["with sub twice", raw.sign(HEADER, withMembers('"sub":"agent-2"')), "malformed"],
  [
    "with sub twice, once spelled otherwise",
    raw.sign(HEADER, withMembers('"s\\u0075b":"agent-2"')),
    "malformed",
  ],
  ["with exp twice", raw.sign(HEADER, withMembers('"exp":99999999999')), "malformed"],
  [
    "with a member of a member twice",
    raw.sign(HEADER, withMembers('"a":{"b":1,"b":2}')),
    "malformed",
  ],
  ["with alg twice", raw.sign('{"alg":"none","alg":"EdDSA","kid":"raw"}', claimsText), "malformed"],
  ["with kid twice", raw.sign('{"alg":"EdDSA","kid":"ed","kid":"raw"}', claimsText), "malformed"],
  [
    "with an unknown crit",
    raw.sign('{"alg":"EdDSA","kid":"raw","crit":["x"],"x":1}', claimsText),
    "malformed",
  ],
  [
    "with an empty crit",
    raw.sign('{"alg":"EdDSA","kid":"raw","crit":[]}', claimsText),
    "malformed",
  ],
  [
    "with a crit that jose knows",
    raw.sign('{"alg":"EdDSA","kid":"raw","crit":["b64"],"b64":true}', claimsText),
    "malformed",
  ],
  [
    "whose claims are not encoded",
    raw.sign('{"alg":"EdDSA","kid":"raw","crit":["b64"],"b64":false}', claimsText),
    "malformed",
  ],
  [
    "with b64 that nothing makes critical",
    raw.sign('{"alg":"EdDSA","kid":"raw","b64":false}', claimsText),
    "malformed",
  ],
  ["of alg none without a signature", craftToken({ alg: "none" }, claims), "algorithm-not-allowed"],
  [
    "of alg none with a signature",
    craftToken({ alg: "none", kid: "ed" }, claims, signature),
    "algorithm-not-allowed",
  ],
  ["of alg None", craftToken({ alg: "None" }, claims), "algorithm-not-allowed"],
  ["of alg nOnE", craftToken({ alg: "nOnE" }, claims), "algorithm-not-allowed"],
  ["of an alg of no letters", craftToken({ alg: "" }, claims), "malformed"],
  [
    "of alg EdDSA in another case",
    raw.sign('{"alg":"eddsa","kid":"raw"}', claimsText),
    "algorithm-not-allowed",
  ],
  [
    "of an alg that objects inherit",
    craftToken({ alg: "constructor" }, claims, "AAAA"),
    "algorithm-not-allowed",
  ],
  [
    "signed by HS256 with the public PEM",
    signWithSecret("HS256", rs.publicPem, HS),
    "algorithm-not-allowed",
  ],
  [
    "signed by HS512 with the public PEM",
    signWithSecret("HS512", rs.publicPem.trim(), HS),
    "algorithm-not-allowed",
  ],
  [
    "signed by HS256 with the public JWK",
    signWithSecret("HS256", JSON.stringify(rs.publicJwk), HS),
    "algorithm-not-allowed",
  ],
  [
    "signed by HS256 with an empty secret",
    signWithSecret("HS256", "", HS),
    "algorithm-not-allowed",
  ],
  [
    "of another algorithm than its key's",
    craftToken({ alg: "RS256", kid: "ed" }, claims, "AAAA"),
    "no-key",
  ],
  ["forged under a known kid", await forger.sign({}, { nowMs: NOW_MS }), "bad-signature"],
  ["with claims exchanged", `${header}.${otherPayload}.${signature}`, "bad-signature"],
  ["of an unknown kid", await signed({}, { kid: "other" }), "no-key"],
  ["of a kid that is no text", await signed({}, { kid: 7 }), "no-key"],
  ["of a kid that leads to a file", await signed({}, { kid: "../../dev/null" }), "no-key"],
  ["of a kid that is a query", await signed({}, { kid: "x' UNION SELECT 'key' --" }), "no-key"],
  [
    "that brings its key in jwk",
    await forger.sign({}, { nowMs: NOW_MS, header: { jwk: forgerJwk } }),
    "bad-signature",
  ],
  [
    "that brings its key in jwk under a new kid",
    await forger.sign({}, { nowMs: NOW_MS, header: { kid: "new", jwk: forgerJwk } }),
    "no-key",
  ],
  [
    "that brings its key in x5c",
    await forger.sign({}, { nowMs: NOW_MS, header: { x5c: ["AAAA"] } }),
    "bad-signature",
  ],
  [
    "whose key is behind jku",
    await forger.sign({}, { nowMs: NOW_MS, header: { kid: "new", jku: ELSEWHERE } }),
    "no-key",
  ],
  [
    "whose key is behind x5u",
    await forger.sign({}, { nowMs: NOW_MS, header: { kid: "new", x5u: ELSEWHERE } }),
    "no-key",
  ],
  [
    "of an issuer that is not ours",
    await signed({ iss: "https://stranger.test/" }),
    "wrong-issuer",
  ],
  ["of the issuer without its slash", await signed({ iss: "https://issuer.test" }), "wrong-issuer"],
  ["of the issuer in capitals", await signed({ iss: TEST_ISSUER.toUpperCase() }), "wrong-issuer"],
  ["of no issuer", await signed({ iss: undefined }), "wrong-issuer"],
  ["of an issuer in an array", await signed({ iss: [TEST_ISSUER] }), "wrong-issuer"],
  ["of an issuer that objects inherit", await signed({ iss: "constructor" }), "wrong-issuer"],
  ["in the name of another issuer", await signed({ iss: OTHER_ISSUER }), "bad-signature"],
  ["for another audience", await signed({ aud: "other" }), "wrong-audience"],
  ["for no audience", await signed({ aud: undefined }), "wrong-audience"],
  ["for an empty list of audiences", await signed({ aud: [] }), "wrong-audience"],
  ["for an audience within an audience", await signed({ aud: [["patchbay"]] }), "wrong-audience"],
  ["for an audience in an object", await signed({ aud: { 0: "patchbay" } }), "wrong-audience"],
  ["for audiences in one text", await signed({ aud: "x patchbay" }), "wrong-audience"],
  ["without exp", await signed({ exp: undefined }), "bad-claims"],
  ["with an exp that is a text", await signed({ exp: String(NOW_S + 300) }), "bad-claims"],
  [
    "with an exp that is null",
    raw.sign(HEADER, claimsText.replace(/"exp":\d+/, '"exp":null')),
    "bad-claims",
  ],
  ["with an exp that is an array", await signed({ exp: [NOW_S + 300] }), "bad-claims"],
  [
    "with an exp beyond all numbers",
    raw.sign(HEADER, claimsText.replace(/"exp":\d+/, '"exp":1e999')),
    "bad-claims",
  ],
  ["with an exp that is no date", await signed({ exp: 1e300 }), "bad-claims"],
  ["with an exp in milliseconds", await signed({ exp: LATEST_EXP_S + 1 }), "bad-claims"],
  ["with a negative exp", await signed({ exp: -1 }), "expired"],
  ["that expired beyond the tolerance", await signed({ exp: NOW_S - 30 }), "expired"],
  ["that is not valid yet", await signed({ nbf: NOW_S + 31 }), "not-yet-valid"],
  ["with an nbf that is a text", await signed({ nbf: "0" }), "bad-claims"],
  ["with an nbf beyond all numbers", raw.sign(HEADER, withMembers('"nbf":-1e999')), "bad-claims"],
  ["with an iat that is a text", await signed({ iat: "0" }), "bad-claims"],
  ["with a jti that is a number", await signed({ jti: 7 }), "bad-claims"],
  ["of typ dpop+jwt", await signed({}, { typ: "dpop+jwt" }), "wrong-type"],
  ["of typ JWE", await signed({}, { typ: "JWE" }), "wrong-type"],
  ["of an empty typ", await signed({}, { typ: "" }), "wrong-type"],
  [
    "of a typ that is null",
    raw.sign('{"alg":"EdDSA","kid":"raw","typ":null}', claimsText),
    "wrong-type",
  ],
  ["of a typ that is no text", await signed({}, { typ: 1 }), "wrong-type"],
];
for (const [name, token, reason] of BAD) {
  Deno.test(`checkToken() refuses a token ${name}`, async () => {
    assert.deepEqual(await check(token), { ok: false, reason });
  });
}

Deno.test("checkToken() refuses a known key's algorithm that is not on the list", async () => {
  assert.deepEqual(await check(honest, { algorithms: ["RS256"] }), {
    ok: false,
    reason: "algorithm-not-allowed",
  });
});

Deno.test("checkToken() refuses every token of which one letter was changed", async () => {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  for (let at = 0; at < honest.length; at++) {
    const other = letters[(letters.indexOf(honest[at] ?? "") + 1 + at % 63) % letters.length];
    const changed = honest.slice(0, at) + other + honest.slice(at + 1);
    assert.equal((await check(changed)).ok, false, `letter ${at}`);
  }
});

Deno.test("checkToken() asks nobody for what no key could help", async () => {
  const asked: string[] = [];
  const keySet = keysOf(({ kid }) => {
    asked.push(String(kid));
    throw new Error("Cannot look for a key here");
  });
  const free: readonly TokenFault[] = [
    "malformed",
    "algorithm-not-allowed",
    "wrong-issuer",
    "wrong-type",
  ];
  for (const [name, token, reason] of BAD.filter(([, , reason]) => free.includes(reason))) {
    const options = { keySets: new Map([[TEST_ISSUER, keySet]]), policy: POLICY, clock };
    assert.deepEqual(await checkToken(token, options), { ok: false, reason }, name);
  }
  assert.deepEqual(asked, []);
});
