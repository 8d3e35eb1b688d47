import assert from "node:assert/strict";
import { Webhook as Verifier } from "standardwebhooks";
import {
  generateKeyPair,
  generateSecret,
  parseSecret,
} from "../../../../services/webhooks/secrets.ts";
import { createSigner } from "../../../../services/webhooks/sending/signing.ts";

// The vectors of Standard Webhooks 1.0.0: published by its libraries or by Svix, and derived from those.
const ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP_S = 1_614_265_330;
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PARTNER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const PRIVATE_KEY =
  "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC_KEY = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const BODY = '{"test": 2432232314}';
const SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const ASYMMETRIC_SIGNATURE =
  "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
const WRONG_SIGNATURE = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";

const utf8 = (text: string) => new TextEncoder().encode(text);
const countingBytes = (length: number) => Uint8Array.from({ length }, (_, index) => index);

const V1_VECTORS = [
  { vector: 1, what: "the published one", secret: SECRET, body: BODY, expected: SIGNATURE },
  {
    vector: 3,
    what: "a secret without its prefix",
    secret: SECRET.slice("whsec_".length),
    body: BODY,
    expected: SIGNATURE,
  },
  {
    vector: 7,
    what: "an empty body",
    secret: SECRET,
    body: "",
    expected: "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A=",
  },
  {
    vector: 8,
    what: "the same JSON without its space",
    secret: SECRET,
    body: '{"test":2432232314}',
    expected: "v1,Vif40peJBP7Iyl0XGmu61n4MwdrcHov5CFREBpE0svs=",
  },
  {
    vector: 9,
    what: "a body with emoji",
    secret: SECRET,
    body: '{"name":"Zoë 🛎️"}',
    expected: "v1,mkMPvbGRn3PGQb98bMsZW1JcefSXfb/mP2u8zogNMtA=",
  },
  {
    vector: 10,
    what: "the rotation partner's secret",
    secret: PARTNER_SECRET,
    body: BODY,
    expected: "v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44=",
  },
];

for (const { vector, what, secret, body, expected } of V1_VECTORS) {
  Deno.test(`signatures() gives vector ${vector}: ${what}`, async () => {
    assert.equal(await sign(secret, ID, TIMESTAMP_S, utf8(body)), expected);
  });
}

Deno.test("signatures() gives vector 2, from seed and public key together and from the seed alone", async () => {
  const seedAlone = `whsk_${parseSeed(PRIVATE_KEY).toBase64()}`;
  for (const secret of [PRIVATE_KEY, seedAlone]) {
    assert.equal(await sign(secret, ID, TIMESTAMP_S, utf8(BODY)), ASYMMETRIC_SIGNATURE);
  }
});

Deno.test("signatures() puts several signatures into one list, in which any may be the right one (vector 4)", async () => {
  const signer = createSigner();
  const all = await signer.signatures(
    [SECRET, PARTNER_SECRET, PRIVATE_KEY],
    ID,
    TIMESTAMP_S,
    utf8(BODY),
  );
  assert.equal(all, `${SIGNATURE} ${V1_VECTORS.at(-1)?.expected} ${ASYMMETRIC_SIGNATURE}`);

  const now = Math.floor(Date.now() / 1_000);
  const ours = await signer.signatures([PARTNER_SECRET, SECRET], ID, now, utf8(BODY));
  const list = `${WRONG_SIGNATURE} v2,${ours} ${ours} ${WRONG_SIGNATURE}`;
  assert.deepEqual(verify(SECRET, BODY, { now, list }), { test: 2432232314 });
});

Deno.test("what is signed is refused when cut, out of its time or without a header (vector 5)", async () => {
  const now = Math.floor(Date.now() / 1_000);
  const ours = await sign(SECRET, ID, now, utf8(BODY));
  assert.doesNotThrow(() => verify(SECRET, BODY, { now, list: ours }));
  assert.throws(() => verify(SECRET, BODY, { now, list: "v1," }));
  assert.throws(() => verify(SECRET, BODY, { now, list: ours.slice(0, 8) }));
  assert.throws(() => verify(SECRET, BODY, { now: now - 1, list: ours }), /No matching/);
  assert.throws(() => verify(SECRET, `${BODY} `, { now, list: ours }), /No matching/);
  for (const late of [now - 302, now + 310]) {
    const list = await sign(SECRET, ID, late, utf8(BODY));
    assert.throws(() => verify(SECRET, BODY, { now: late, list }), /too (old|new)/);
  }
});

const REFUSED_SECRETS = [
  { what: "an empty one", secret: "" },
  { what: "a bare whsec_", secret: "whsec_" },
  { what: "a bare whsk_", secret: "whsk_" },
  { what: "padding alone", secret: "whsec_==" },
  { what: "the URL alphabet", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La-aSw" },
  { what: "31 bytes as whsk_", secret: `whsk_${countingBytes(31).toBase64()}` },
  { what: "a public key", secret: PUBLIC_KEY },
];

for (const { what, secret } of REFUSED_SECRETS) {
  Deno.test(`parseSecret() refuses ${what} and does not show it (vector 5)`, () => {
    assert.throws(() => parseSecret(secret), (error) => {
      assert.ok(error instanceof TypeError);
      assert.ok(secret.length < 10 || !error.message.includes(secret.slice(6)));
      assert.equal(error.cause, undefined);
      return true;
    });
  });
}

for (const { tail, bytes } of [{ tail: "LaLaS", bytes: 23 }, { tail: "LaLaSwBr", bytes: 25 }]) {
  Deno.test(`parseSecret() takes an unpadded secret of ${bytes} bytes (vector 6)`, () => {
    const parsed = parseSecret(`whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2${tail}`);
    assert.ok(parsed.scheme === "v1");
    assert.equal(parsed.key.length, bytes);
  });
}

for (
  const [what, body] of [["emoji", '{"text":"Zoë 🛎️ 👩‍👩‍👧"}'], ["an empty body", ""], [
    "empty data",
    "{}",
  ]] as const
) {
  Deno.test(`a body with ${what} verifies with the standardwebhooks package`, async () => {
    const now = Math.floor(Date.now() / 1_000);
    const secret = generateSecret(countingBytes);
    const list = await createSigner().signatures([secret], ID, now, utf8(body));
    assert.doesNotThrow(() => verify(secret, body, { now, list }));
    assert.throws(() => verify(secret, `${body} `, { now, list }));
  });
}

Deno.test("generateSecret() writes whsec_ and the padded base64 of 32 bytes", () => {
  assert.equal(
    generateSecret(countingBytes),
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  );
});

Deno.test("generateKeyPair() derives the public key that its signatures verify with", async () => {
  const known = await generateKeyPair(() => parseSeed(PRIVATE_KEY));
  assert.deepEqual(known, { secret: PRIVATE_KEY, publicKey: PUBLIC_KEY });

  const made = await generateKeyPair((length) => crypto.getRandomValues(new Uint8Array(length)));
  const [, signature = ""] = (await sign(made.secret, ID, TIMESTAMP_S, utf8(BODY))).split(",");
  const raw = Uint8Array.fromBase64(made.publicKey.slice("whpk_".length));
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  const content = utf8(`${ID}.${TIMESTAMP_S}.${BODY}`);
  const bytes = Uint8Array.fromBase64(signature);
  assert.ok(await crypto.subtle.verify("Ed25519", key, bytes, content));
});

Deno.test("the prefix of a secret decides the scheme", async () => {
  assert.match(await sign(SECRET, ID, TIMESTAMP_S, utf8(BODY)), /^v1,/);
  assert.match(await sign(PRIVATE_KEY, ID, TIMESTAMP_S, utf8(BODY)), /^v1a,/);
});

Deno.test("an id with a full stop and a broken second are refused, as they would make the content ambiguous", async () => {
  await assert.rejects(sign(SECRET, "msg.1", TIMESTAMP_S, utf8(BODY)), /full stop/);
  await assert.rejects(sign(SECRET, ID, 1.5, utf8(BODY)), /whole Unix seconds/);
});

Deno.test("createSigner() signs alike whether it still remembers a secret or not", async () => {
  const signer = createSigner();
  const signed = (secret: string) => signer.signatures([secret], ID, TIMESTAMP_S, utf8(BODY));
  assert.equal(await signed(SECRET), SIGNATURE);
  assert.equal(await signed(SECRET), SIGNATURE);
  // More than it remembers.
  for (let made = 0; made < 1_100; made++) await signed(generateSecret(randomBytes));
  assert.equal(await signed(PARTNER_SECRET), V1_VECTORS.at(-1)?.expected);
  assert.equal(await signed(SECRET), SIGNATURE);
});

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));

function sign(secret: string, id: string, timestampS: number, body: Uint8Array<ArrayBuffer>) {
  return createSigner().signatures([secret], id, timestampS, body);
}

function parseSeed(secret: string): Uint8Array<ArrayBuffer> {
  const parsed = parseSecret(secret);
  assert.ok(parsed.scheme === "v1a");
  return parsed.seed;
}

function verify(secret: string, body: string, { now, list }: { now: number; list: string }) {
  return new Verifier(secret).verify(body, {
    "webhook-id": ID,
    "webhook-timestamp": String(now),
    "webhook-signature": list,
  });
}
