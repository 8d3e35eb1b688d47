import assert from "node:assert/strict";
import {
  craftToken,
  createTestKey,
  TEST_AUDIENCE,
  TEST_ISSUER,
} from "../../simulator/kit/tokens.ts";
import { request } from "./client.ts";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { AGENT_SCOPES, type World } from "./world.ts";

const HOUR_MS = 3_600_000;

type TokenMaker = (world: World) => Promise<string> | string;

const claims = (changes: Readonly<Record<string, unknown>> = {}) => ({
  iss: TEST_ISSUER,
  aud: TEST_AUDIENCE,
  sub: "agent-1",
  exp: Math.floor(Date.now() / 1000) + 300,
  scope: AGENT_SCOPES,
  ...changes,
});

const BAD_TOKENS: Readonly<Record<string, TokenMaker>> = {
  "that is no token": () => "not.a.token",
  "that has expired": ({ key }) => key.sign(claims({ exp: undefined }), expired()),
  "that is not valid yet": ({ key }) => key.sign(claims({ nbf: claims().exp })),
  "forged with another key of the same name": async () => (await createTestKey()).sign(claims()),
  "of a key that nobody published": async () =>
    (await createTestKey("EdDSA", "unheard-of")).sign(claims()),
  "with alg none": () => craftToken({ alg: "none", typ: "JWT" }, claims()),
  "signed with the public key as a shared secret": ({ key }) => hs256(key.publicPem, key.kid),
  "whose claims were changed after signing": async ({ key }) => {
    const [header, , signature] = (await key.sign(claims())).split(".");
    const [, payload] = craftToken({}, claims({ sub: "agent-2" })).split(".");
    return [header, payload, signature].join(".");
  },
  "for another audience": ({ key }) => key.sign(claims({ aud: "somebody-else" })),
  "of another issuer": ({ key }) => key.sign(claims({ iss: "https://issuer.test/other" })),
  "without an agent": ({ key }) => key.sign(claims({ sub: undefined })),
  "of another type": ({ key }) => key.sign(claims(), { header: { typ: "dpop+jwt" } }),
};

const GOOD_TOKENS: Readonly<Record<string, TokenMaker>> = {
  "of type at+jwt": ({ key }) => key.sign(claims(), { header: { typ: "at+jwt" } }),
  "without a type": ({ key }) => key.sign(claims(), { header: { typ: undefined } }),
  "with its scopes in an array": ({ key }) => key.sign(claims({ scope: AGENT_SCOPES.split(" ") })),
  "for several audiences": ({ key }) => key.sign(claims({ aud: ["other", TEST_AUDIENCE] })),
  "that has expired within the tolerance": ({ key }) =>
    key.sign(claims({ exp: Math.floor(Date.now() / 1000) - 10 })),
};

const ROUTES = [
  ["POST", "/api/v2/me/smssessions/0000Na9B26E0AUTH"],
  ["GET", "/api/v2/me"],
  ["GET", "/v1/sessions"],
  ["POST", "/v1/webhooks"],
  ["GET", "/v1/events"],
  ["GET", "/v1/deliveries"],
] as const;

/** Who is let in. */
export const TOKEN_ERRORS: readonly Sentence[] = [
  it("without a token nothing is done: 401", async (world) => {
    for (const [method, path] of ROUTES) {
      const url = world.patchbay.url + path;
      const accept = { operationName: "Accept", nickname: "Ada" };
      const options = method === "POST" ? { json: accept } : {};
      assertProblem(await request(url, options), "unauthenticated");
      const basic = { headers: { authorization: `Basic ${btoa("ada:secret")}` } };
      assertProblem(await request(url, { ...options, ...basic }), "unauthenticated");
    }
    assert.equal(world.upstream.about("0000Na9B26E0AUTH").length, 0);
  }),

  ...Object.entries(BAD_TOKENS).map(([which, make]) =>
    it(`a token ${which} is refused: 401`, async (world) => {
      const session = world.freshSession();
      const token = await make(world);
      const answer = await world.caller(token).accept(session);
      assertProblem(answer, "unauthenticated");
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer\b/);
      assert.ok(!answer.text.includes(token));
      assert.equal(world.upstream.about(session).length, 0);
    })
  ),

  ...Object.entries(GOOD_TOKENS).map(([which, make]) =>
    it(`a token ${which} is taken`, async (world) => {
      const answer = await world.caller(await make(world)).accept(world.freshSession());
      assert.equal(answer.status, 200, answer.text);
    })
  ),

  it("a token without the scope is refused: 403", async (world) => {
    const session = world.freshSession();
    const reader = await world.agent("agent-1", "sessions:read webhooks:read sms:operates");
    const nobody = world.caller(await world.key.sign(claims({ scope: undefined })));
    assertProblem(await reader.accept(session), "insufficient-scope");
    assertProblem(await nobody.accept(session), "insufficient-scope");
    assertProblem(await nobody.get("/api/v2/me"), "insufficient-scope");
    assertProblem(await nobody.get("/v1/sessions"), "insufficient-scope");
    assertProblem(await nobody.get("/v1/events"), "insufficient-scope");
    assertProblem(await nobody.get("/v1/deliveries"), "insufficient-scope");
    assertProblem(await nobody.get("/v1/webhooks"), "insufficient-scope");
    assertProblem(
      await reader.post("/v1/webhooks", { url: "https://hooks.example/" }),
      "insufficient-scope",
    );
    assertProblem(
      await reader.put(`/v1/sessions/${session}/customer`, { phone: "+16501110001" }),
      "insufficient-scope",
    );
    assert.equal(world.upstream.about(session).length, 0);
  }),
];

function expired() {
  return { nowMs: Date.now() - HOUR_MS };
}

async function hs256(secret: string, kid: string): Promise<string> {
  const unsigned = craftToken({ alg: "HS256", typ: "JWT", kid }, claims()).slice(0, -1);
  const encode = (text: string) => new TextEncoder().encode(text);
  const key = await crypto.subtle.importKey(
    "raw",
    encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, encode(unsigned)));
  return `${unsigned}.${signature.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}
