import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { errors, type JWTHeaderParameters, type JWTVerifyGetKey } from "jose";
import { KeysUnavailable } from "../../../services/errors.ts";
import { keysAt } from "../../../services/auth/key_source.ts";
import { createRemoteKeySet } from "../../../services/auth/remote_key_set.ts";
import { hang, type JwksServer, startJwksServer } from "../../support/jwks_server.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { createTestKey, jwksOf, TEST_ISSUER, type TestKey } from "../../../simulator/kit/tokens.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const first = await createTestKey("EdDSA", "first");
const second = await createTestKey("EdDSA", "second");

function keySetAt(server: JwksServer, { fetch = globalThis.fetch } = {}) {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const keySet = createRemoteKeySet({
    issuer: TEST_ISSUER,
    source: keysAt({ url: server.url, fetch }),
    algorithms: ["EdDSA", "RS256", "ES256"],
    clock,
    log,
  });
  return { keySet, clock, log };
}

/** Asks for the key of a token that `key` would sign. */
function ask(keySet: { readonly keyFor: JWTVerifyGetKey }, { kid }: Pick<TestKey, "kid">) {
  return askHeader(keySet, { alg: "EdDSA", kid });
}

async function askHeader(
  keySet: { readonly keyFor: JWTVerifyGetKey },
  header: JWTHeaderParameters,
): Promise<string> {
  const key = await keySet.keyFor(header, { payload: "", signature: "", protected: "" });
  return "type" in key ? String(key.type) : "not a key";
}

const down = () => new Response(null, { status: 503 });

Deno.test("warm() gets the keys ahead of the first token", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet } = keySetAt(server);
  assert.deepEqual(keySet.state(), { loaded: false, ageMs: null });
  await keySet.warm();
  assert.deepEqual(keySet.state(), { loaded: true, ageMs: 0 });
  assert.equal(await ask(keySet, first), "public");
  assert.equal(server.requests, 1);
});

Deno.test("warm() logs and does not throw when the issuer is down", async () => {
  await using server = startJwksServer();
  server.answer(down);
  const { keySet, log } = keySetAt(server);
  await keySet.warm();
  assert.deepEqual(keySet.state(), { loaded: false, ageMs: null });
  assert.deepEqual(log.of("key_set.fetch_failed").map(({ fields }) => fields), [
    {
      issuer: TEST_ISSUER,
      reason: "expected status 200, got 503",
      failures: 1,
      retryInMs: 30 * SECOND_MS,
      servedAgeMs: null,
    },
  ]);
});

Deno.test("keyFor() shares one request among 20 cold askers", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet } = keySetAt(server);
  await Promise.all(Array.from({ length: 20 }, () => ask(keySet, first)));
  assert.equal(server.requests, 1);
});

Deno.test("keyFor() shares one failing request among 20 cold askers", async () => {
  await using server = startJwksServer();
  server.answer(down);
  const { keySet } = keySetAt(server);
  const asked = await Promise.allSettled(Array.from({ length: 20 }, () => ask(keySet, first)));
  assert.ok(asked.every(({ status }) => status === "rejected"));
  assert.equal(server.requests, 1);
});

Deno.test("keyFor() asks for the set again once it is 10 minutes old, by the injected clock", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await ask(keySet, first);
  clock.advance(10 * MINUTE_MS - 1);
  await ask(keySet, first);
  assert.equal(server.requests, 1);
  clock.advance(1);
  await ask(keySet, first);
  assert.equal(server.requests, 2);
  assert.equal(keySet.state().ageMs, 0);
});

Deno.test("keyFor() stops accepting a key that the issuer has withdrawn", async () => {
  await using server = startJwksServer();
  server.publish(jwksOf(first, second));
  const { keySet, clock } = keySetAt(server);
  await ask(keySet, first);
  server.publish(second.jwks);
  clock.advance(10 * MINUTE_MS);
  await assert.rejects(ask(keySet, first), errors.JWKSNoMatchingKey);
});

Deno.test("keyFor() finds a rotated key by one request, once the cooldown has passed", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await ask(keySet, first);
  server.publish(second.jwks);
  clock.advance(30 * SECOND_MS - 1);
  await assert.rejects(ask(keySet, second), errors.JWKSNoMatchingKey);
  assert.equal(server.requests, 1);
  clock.advance(1);
  assert.equal(await ask(keySet, second), "public");
  assert.equal(server.requests, 2);
});

Deno.test("keyFor() asks once per cooldown for 1,000 unknown kids", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await keySet.warm();
  const storm = async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 1_000 }, () => ask(keySet, { kid: crypto.randomUUID() })),
    );
    for (const one of asked) {
      assert.equal(one.status, "rejected");
      assert.ok(one.reason instanceof errors.JWKSNoMatchingKey, "the token's fault, not ours");
    }
  };
  await storm();
  assert.equal(server.requests, 1, "within the cooldown after the first request");
  clock.advance(30 * SECOND_MS);
  await storm();
  await storm();
  assert.equal(server.requests, 2);
  clock.advance(30 * SECOND_MS);
  await storm();
  assert.equal(server.requests, 3);
});

Deno.test("keyFor() finds an unknown kid by a request that is under way already", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await keySet.warm();
  const answer = Promise.withResolvers<Response>();
  server.answer(() => answer.promise);
  clock.advance(30 * SECOND_MS);
  const asked = [ask(keySet, second), ask(keySet, second)];
  await server.whenRequested(2);
  asked.push(ask(keySet, second));
  answer.resolve(Response.json(jwksOf(first, second)));
  assert.deepEqual(await Promise.all(asked), ["public", "public", "public"]);
  assert.equal(server.requests, 2);
});

Deno.test("keyFor() takes an unknown kid for the token's fault while the issuer is down", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await keySet.warm();
  server.answer(down);
  clock.advance(30 * SECOND_MS);
  await assert.rejects(ask(keySet, second), errors.JWKSNoMatchingKey);
  assert.equal(await ask(keySet, first), "public", "known keys go on serving");
});

Deno.test("keyFor() serves old keys for 24 hours while the issuer is down, then none", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock, log } = keySetAt(server);
  await keySet.warm();
  server.answer(down);

  clock.advance(10 * MINUTE_MS);
  assert.equal(await ask(keySet, first), "public");
  clock.advance(24 * HOUR_MS - 10 * MINUTE_MS);
  assert.equal(await ask(keySet, first), "public");
  await log.whenLogged("key_set.fetch_failed", 2);
  assert.deepEqual(keySet.state(), { loaded: true, ageMs: 24 * HOUR_MS });

  clock.advance(1);
  await assert.rejects(ask(keySet, first), KeysUnavailable);
  assert.deepEqual(keySet.state(), { loaded: false, ageMs: 24 * HOUR_MS + 1 });
});

Deno.test("keyFor() recovers by itself after the stale cap", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await keySet.warm();
  server.answer(down);
  clock.advance(25 * HOUR_MS);
  await assert.rejects(ask(keySet, first), KeysUnavailable);
  server.publish(first.jwks);
  clock.advance(30 * SECOND_MS);
  assert.equal(await ask(keySet, first), "public");
});

Deno.test("keyFor() asks a dead endpoint after 30, 60, 120, 120 … seconds and tells when it will", async () => {
  await using server = startJwksServer();
  server.answer(down);
  const { keySet, clock } = keySetAt(server);
  const retryAfter = async () => {
    const error = await ask(keySet, first).catch((reason: unknown) => reason);
    assert.ok(error instanceof KeysUnavailable);
    return error.headers["retry-after"];
  };

  assert.equal(await retryAfter(), "30");
  let requests = 1;
  for (const waitS of [30, 60, 120, 120]) {
    assert.equal(server.requests, requests);
    clock.advance(waitS * SECOND_MS - 1);
    assert.equal(await retryAfter(), "1", "still backing off");
    assert.equal(server.requests, requests);
    clock.advance(1);
    await retryAfter();
    requests += 1;
    assert.equal(server.requests, requests);
  }
});

Deno.test("keyFor() starts over with the shortest wait once a request has succeeded", async () => {
  await using server = startJwksServer();
  server.answer(down);
  const { keySet, clock, log } = keySetAt(server);
  await keySet.warm();
  clock.advance(30 * SECOND_MS);
  await keySet.warm();
  clock.advance(60 * SECOND_MS);
  server.publish(first.jwks);
  await keySet.warm();
  server.answer(down);
  clock.advance(10 * MINUTE_MS);
  await keySet.warm();
  assert.deepEqual(
    log.of("key_set.fetch_failed").map(({ fields }) => fields.retryInMs),
    [30 * SECOND_MS, 60 * SECOND_MS, 30 * SECOND_MS],
  );
});

Deno.test("keyFor() does not let unknown kids break into the wait after a failure", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await keySet.warm();
  server.answer(down);
  for (const [waitS, requests] of [[30, 2], [30, 3], [59, 3], [1, 4]] as const) {
    clock.advance(waitS * SECOND_MS);
    await assert.rejects(ask(keySet, second), errors.JWKSNoMatchingKey);
    assert.equal(server.requests, requests);
  }
});

Deno.test("keyFor() does not wait for an endpoint that failed last time while old keys serve", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock, log } = keySetAt(server);
  await keySet.warm();
  server.answer(down);
  clock.advance(10 * MINUTE_MS);
  await ask(keySet, first);
  server.answer(hang);
  clock.advance(30 * SECOND_MS);
  assert.equal(await ask(keySet, first), "public", "answered while the request hangs");
  await server.whenRequested(3);
  clock.advance(5 * SECOND_MS);
  await log.whenLogged("key_set.fetch_failed", 2);
});

Deno.test("createRemoteKeySet() gives up on an endpoint that does not answer within 5 s", async () => {
  await using server = startJwksServer();
  server.answer(hang);
  const { keySet, clock, log } = keySetAt(server);
  const warmed = keySet.warm();
  await server.whenRequested(1);
  clock.advance(5 * SECOND_MS);
  await warmed;
  assert.equal(log.entries[0]?.fields.reason, "expected an answer within 5000 ms");
  assert.equal(clock.pending(), 0);
});

Deno.test("createRemoteKeySet() gives up on an answer whose body stalls for 5 s", async () => {
  await using server = startJwksServer();
  const opened = Promise.withResolvers<void>();
  server.answer(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"keys":[')),
      }),
    )
  );
  const { keySet, clock, log } = keySetAt(server, {
    fetch: async (...request) => {
      const response = await fetch(...request);
      opened.resolve();
      return response;
    },
  });
  const warmed = keySet.warm();
  await opened.promise;
  clock.advance(5 * SECOND_MS);
  await warmed;
  assert.equal(log.entries[0]?.fields.reason, "expected an answer within 5000 ms");
});

Deno.test("createRemoteKeySet() leaves no timer behind", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await keySet.warm();
  assert.equal(clock.pending(), 0);
});

const badAnswers: { name: string; answer: () => Response; reason: RegExp }[] = [
  { name: "status 500", answer: () => new Response("oops", { status: 500 }), reason: /got 500/ },
  {
    name: "a redirect",
    answer: () => new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
    reason: /got 302/,
  },
  {
    name: "a body longer than the bound, of no declared length",
    answer: () =>
      new Response(ReadableStream.from([new Uint8Array(200_000), new Uint8Array(200_000)])),
    reason: /at most 262144 bytes/,
  },
  { name: "text that is not JSON", answer: () => new Response("<html>"), reason: /JSON/ },
  { name: "JSON without keys", answer: () => Response.json({}), reason: /"keys"/ },
  { name: "an empty set", answer: () => Response.json({ keys: [] }), reason: /non-empty/ },
  {
    name: "keys that are no objects",
    answer: () => Response.json({ keys: [1] }),
    reason: /"keys"/,
  },
  {
    name: "keys of which none is of use",
    answer: () => Response.json({ keys: [{ kty: "oct" }, { kty: "RSA", n: "AQAB", e: "AQAB" }] }),
    reason: /usable key/,
  },
  { name: "an array", answer: () => Response.json([1]), reason: /JSON object/ },
  {
    name: "text that is no UTF-8",
    answer: () => new Response(new Uint8Array([0x7b, 0xff, 0x7d])),
    reason: /not valid/,
  },
];
for (const { name, answer, reason } of badAnswers) {
  Deno.test(`createRemoteKeySet() keeps the keys it has when it is answered ${name}`, async () => {
    await using server = startJwksServer();
    server.publish(first.jwks);
    const { keySet, clock, log } = keySetAt(server);
    await keySet.warm();
    server.answer(answer);
    clock.advance(10 * MINUTE_MS);
    assert.equal(await ask(keySet, first), "public");
    assert.equal(server.requests, 2);
    assert.match(String(log.of("key_set.fetch_failed")[0]?.fields.reason), reason);
  });
}

Deno.test("createRemoteKeySet() survives an address that nobody listens at", async () => {
  const server = startJwksServer();
  await server[Symbol.asyncDispose]();
  const { keySet, log } = keySetAt(server);
  await keySet.warm();
  assert.equal(log.of("key_set.fetch_failed").length, 1);
});

const weakJwk = {
  ...generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }),
  kid: "weak",
};

Deno.test("createRemoteKeySet() skips keys that verify nothing and says so once per change", async () => {
  await using server = startJwksServer();
  const { keySet, clock, log } = keySetAt(server);
  const warnings = () =>
    log.of("key_set.unusable_keys").map(({ level, fields }) => [level, fields.skipped]);
  const fetchAnew = async () => {
    clock.advance(10 * MINUTE_MS);
    await keySet.warm();
  };
  server.answer(() => Response.json({ keys: [weakJwk, { kty: "oct" }, first.publicJwk] }));
  await keySet.warm();
  await fetchAnew();
  await fetchAnew();
  const expected = ["warn", "weak: 1, symmetric: 1 (kid weak)"];
  assert.deepEqual(warnings(), [expected]);
  assert.equal(await ask(keySet, first), "public");
  assert.equal(await askHeader(keySet, { alg: "EdDSA" }), "public", "the weak one stood first");
  await assert.rejects(askHeader(keySet, { alg: "RS256", kid: "weak" }), errors.JWKSNoMatchingKey);
  await assert.rejects(askHeader(keySet, { alg: "RS256" }), errors.JWKSNoMatchingKey);

  server.publish(jwksOf(first, second));
  await fetchAnew();
  assert.equal(warnings().length, 1, "nothing to say of good keys");
  server.answer(() =>
    Response.json({ keys: [{ ...first.publicJwk, x: "AAAA" }, second.publicJwk] })
  );
  await fetchAnew();
  assert.deepEqual(warnings(), [expected, ["warn", "malformed: 1 (kid first)"]]);
  await assert.rejects(ask(keySet, first), errors.JWKSNoMatchingKey);
  assert.equal(await ask(keySet, second), "public");
});

Deno.test("createRemoteKeySet() finds the good key behind 10,000 that are none", async () => {
  await using server = startJwksServer();
  const junk = Array.from({ length: 10_000 }, () => ({ kty: "oct" }));
  server.answer(() => Response.json({ keys: [...junk, first.publicJwk] }));
  const { keySet, log } = keySetAt(server);
  assert.equal(await ask(keySet, first), "public");
  assert.deepEqual(log.of("key_set.unusable_keys").map(({ fields }) => fields.skipped), [
    "symmetric: 10000",
  ]);
});

Deno.test("keyFor() takes tokens for signed by no known key while no key of the issuer's is of use", async () => {
  await using server = startJwksServer();
  server.answer(() => Response.json({ keys: [weakJwk] }));
  const { keySet, clock } = keySetAt(server);
  await assert.rejects(askHeader(keySet, { alg: "RS256", kid: "weak" }), errors.JWKSNoMatchingKey);
  assert.deepEqual(keySet.state(), { loaded: false, ageMs: 0 });
  server.publish(first.jwks);
  clock.advance(30 * SECOND_MS);
  assert.equal(await ask(keySet, first), "public", "as soon as there is one");
  assert.deepEqual(keySet.state(), { loaded: true, ageMs: 0 });
});

Deno.test("renew() gets another set, at most once per cooldown", async () => {
  await using server = startJwksServer();
  server.publish(first.jwks);
  const { keySet, clock } = keySetAt(server);
  await keySet.warm();
  assert.equal(await keySet.renew(), false, "within the cooldown");
  clock.advance(30 * SECOND_MS);
  assert.deepEqual(await Promise.all([keySet.renew(), keySet.renew()]), [true, true]);
  assert.equal(server.requests, 2);
  assert.equal(await keySet.renew(), false);
  server.answer(down);
  clock.advance(30 * SECOND_MS);
  assert.equal(await keySet.renew(), false, "there is no other set to try");
  assert.equal(server.requests, 3);
});

Deno.test("keyFor() leaves it to the caller when several keys fit", async () => {
  await using server = startJwksServer();
  server.publish(jwksOf(first, second));
  const { keySet } = keySetAt(server);
  await assert.rejects(askHeader(keySet, { alg: "EdDSA" }), errors.JWKSMultipleMatchingKeys);
});
