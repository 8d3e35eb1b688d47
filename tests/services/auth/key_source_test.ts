import assert from "node:assert/strict";
import { errors } from "jose";
import { KeysUnavailable } from "../../../services/errors.ts";
import { keysOfIssuer } from "../../../services/auth/key_source.ts";
import { createRemoteKeySet } from "../../../services/auth/remote_key_set.ts";
import { createTestKey } from "../../../simulator/kit/tokens.ts";
import { type IssuerServer, startIssuerServer } from "../../support/issuer_server.ts";
import { hang } from "../../support/jwks_server.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const METADATA = "/.well-known/openid-configuration";

const first = await createTestKey("EdDSA", "first");
const second = await createTestKey("EdDSA", "second");

function keySetOf({ issuer }: Pick<IssuerServer, "issuer">) {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const source = keysOfIssuer({ issuer, fetch, clock });
  const keySet = createRemoteKeySet({ issuer, source, algorithms: ["EdDSA"], clock, log });
  const ask = async ({ kid }: { readonly kid: string }) =>
    await keySet.keyFor({ alg: "EdDSA", kid }, { payload: "", signature: "" });
  const reasons = () => log.of("key_set.fetch_failed").map(({ fields }) => fields.reason);
  return { keySet, ask, clock, log, reasons };
}

const down = () => new Response(null, { status: 503 });

for (const path of ["", "/", "/realms/centre", "/realms/centre/"]) {
  Deno.test(`an issuer at ${path || "no path"} is asked where its keys are, and for them`, async () => {
    await using issuer = startIssuerServer(path);
    issuer.publish(first.jwks);
    const { ask } = keySetOf(issuer);
    await Promise.all(Array.from({ length: 20 }, () => ask(first)));
    assert.deepEqual(issuer.asked, [`${path.replace(/\/$/, "")}${METADATA}`, "/keys"]);
  });
}

Deno.test("nothing is asked before a token needs it", async () => {
  await using issuer = startIssuerServer();
  keySetOf(issuer);
  assert.deepEqual(issuer.asked, []);
});

Deno.test("where Discovery's document is missing, that of RFC 8414 is asked for", async () => {
  await using issuer = startIssuerServer("/realms/centre");
  issuer.publish(first.jwks);
  issuer.answerAt(`/realms/centre${METADATA}`, () => new Response(null, { status: 404 }));
  issuer.answerAt("/.well-known/oauth-authorization-server/realms/centre", () =>
    Response.json({
      issuer: issuer.issuer,
      jwks_uri: new URL("/keys", issuer.server.url).href,
    }));
  const { ask } = keySetOf(issuer);
  await ask(first);
  assert.equal(issuer.asked.length, 3);
});

Deno.test("where both are missing, that is said", async () => {
  await using issuer = startIssuerServer();
  issuer.answerAt(METADATA, () => new Response(null, { status: 404 }));
  const { ask, reasons } = keySetOf(issuer);
  await assert.rejects(ask(first), KeysUnavailable);
  assert.deepEqual(reasons(), ["expected status 200, got 404"]);
});

type Changes = (issuer: string) => Readonly<Record<string, unknown>>;

const REFUSED: readonly [what: string, changes: Changes, reason: RegExp][] = [
  ["of another issuer", () => ({ issuer: "https://evil.test/" }), /"issuer"/],
  ["of the issuer with a slash", (issuer) => ({ issuer: `${issuer}/` }), /"issuer"/],
  ["of no issuer", () => ({ issuer: undefined }), /"issuer"/],
  ["of an issuer in an array", (issuer) => ({ issuer: [issuer] }), /"issuer"/],
  ["without an address of keys", () => ({ jwks_uri: undefined }), /"jwks_uri"/],
  ["with a list of addresses", () => ({ jwks_uri: ["https://keys.test/"] }), /"jwks_uri"/],
  ["with half an address", () => ({ jwks_uri: "/keys" }), /"jwks_uri"/],
  ["with a file for its keys", () => ({ jwks_uri: "file:///etc/passwd" }), /"jwks_uri"/],
  ["with its keys in it", () => ({ jwks_uri: "data:application/json,{}" }), /"jwks_uri"/],
];
for (const [what, changes, reason] of REFUSED) {
  Deno.test(`metadata ${what} are refused, and no keys are asked for`, async () => {
    await using issuer = startIssuerServer();
    issuer.publish(first.jwks);
    issuer.tell(changes(issuer.issuer));
    const { ask, reasons } = keySetOf(issuer);
    await assert.rejects(ask(first), KeysUnavailable);
    assert.match(String(reasons()[0]), reason);
    assert.deepEqual(issuer.asked, [METADATA]);
  });
}

const BAD_ANSWERS: readonly [what: string, answer: () => Response, reason: RegExp][] = [
  [
    "a redirect",
    () => new Response(null, { status: 302, headers: { location: "/keys" } }),
    /got 302/,
  ],
  ["500", () => new Response("oops", { status: 500 }), /got 500/],
  ["no JSON", () => new Response("<html>"), /JSON/],
  ["a list", () => Response.json([]), /JSON object/],
  ["a long document", () => Response.json({ a: "x".repeat(262_144) }), /at most 262144 bytes/],
];
for (const [what, answer, reason] of BAD_ANSWERS) {
  Deno.test(`metadata that are answered by ${what} are no metadata`, async () => {
    await using issuer = startIssuerServer();
    issuer.publish(first.jwks);
    issuer.answerAt(METADATA, answer);
    const { ask, reasons } = keySetOf(issuer);
    await assert.rejects(ask(first), KeysUnavailable);
    assert.match(String(reasons()[0]), reason);
    assert.deepEqual(issuer.asked, [METADATA]);
  });
}

Deno.test("an https issuer cannot send us to plain http for its keys", async () => {
  const asked: string[] = [];
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const issuer = "https://login.test";
  const answering: typeof fetch = (url) => {
    asked.push(String(url));
    return Promise.resolve(Response.json({ issuer, jwks_uri: "http://login.test/keys" }));
  };
  const source = keysOfIssuer({ issuer, fetch: answering, clock });
  const keySet = createRemoteKeySet({ issuer, source, algorithms: ["EdDSA"], clock, log });
  await keySet.warm();
  assert.deepEqual(asked, [`${issuer}${METADATA}`]);
  assert.equal(keySet.state().loaded, false);
});

Deno.test("metadata serve for ten minutes, as the keys do; an unknown kid asks for the keys alone", async () => {
  await using issuer = startIssuerServer();
  issuer.publish(first.jwks);
  const { ask, clock } = keySetOf(issuer);
  await ask(first);
  issuer.publish(second.jwks);
  clock.advance(30 * SECOND_MS);
  await ask(second);
  assert.deepEqual(issuer.asked, [METADATA, "/keys", "/keys"]);
  clock.advance(10 * MINUTE_MS);
  await ask(second);
  assert.deepEqual(issuer.asked, [METADATA, "/keys", "/keys", METADATA, "/keys"]);
});

Deno.test("1,000 random kids cost one request per cooldown", async () => {
  await using issuer = startIssuerServer();
  issuer.publish(first.jwks);
  const { ask, clock } = keySetOf(issuer);
  await ask(first);
  for (let round = 1; round <= 2; round++) {
    clock.advance(30 * SECOND_MS);
    const storm = Array.from({ length: 1_000 }, () => ask({ kid: crypto.randomUUID() }));
    for (const { status } of await Promise.allSettled(storm)) assert.equal(status, "rejected");
    assert.equal(issuer.asked.length, 2 + round);
  }
});

Deno.test("keys that have moved are found where the metadata say next", async () => {
  await using issuer = startIssuerServer();
  issuer.publish(first.jwks);
  const { ask, clock } = keySetOf(issuer);
  await ask(first);
  issuer.answerAt("/keys", () => new Response(null, { status: 404 }));
  issuer.answerAt("/new-keys", () => Response.json(second.jwks));
  issuer.tell({ jwks_uri: new URL("/new-keys", issuer.server.url).href });
  clock.advance(30 * SECOND_MS);
  await assert.rejects(ask(second), errors.JWKSNoMatchingKey);
  clock.advance(30 * SECOND_MS);
  await ask(second);
  assert.deepEqual(issuer.asked.slice(-2), [METADATA, "/new-keys"]);
});

Deno.test("known keys serve for 24 hours while the metadata are away, then none", async () => {
  await using issuer = startIssuerServer();
  issuer.publish(first.jwks);
  const { ask, clock, log } = keySetOf(issuer);
  await ask(first);
  issuer.answerAt(METADATA, down);
  clock.advance(10 * MINUTE_MS);
  await ask(first);
  clock.advance(24 * 60 * MINUTE_MS - 10 * MINUTE_MS);
  await ask(first);
  await log.whenLogged("key_set.fetch_failed", 2);
  clock.advance(1);
  await assert.rejects(ask(first), KeysUnavailable);
});

Deno.test("metadata and keys together may take 5 s", async () => {
  await using issuer = startIssuerServer();
  issuer.answerAt("/keys", hang);
  const { keySet, clock, reasons } = keySetOf(issuer);
  const warmed = keySet.warm();
  await issuer.server.whenRequested(2);
  clock.advance(5 * SECOND_MS);
  await warmed;
  assert.deepEqual(reasons(), ["expected an answer within 5000 ms"]);
  assert.equal(clock.pending(), 0);
});

Deno.test("keysOfIssuer() refuses an issuer that is no address", () => {
  assert.throws(() => keysOfIssuer({ issuer: "patchbay", fetch, clock: createVirtualClock() }), {
    name: "TypeError",
  });
});
