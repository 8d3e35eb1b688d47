import assert from "node:assert/strict";
import fc from "fast-check";
import { type AppDependencies, createApp } from "../routes/mod.ts";
import { readConfig } from "../services/config/config.ts";
import { readListing, readMessageLog } from "../services/contact_centre/dialect/listing.ts";
import { readNarrowable } from "../services/contact_centre/dialect/narrowing.ts";
import { readNotifications } from "../services/contact_centre/dialect/notifications.ts";
import { readOperation } from "../services/contact_centre/dialect/operations.ts";
import { sessionMembersOf } from "../services/contact_centre/dialect/session_members.ts";
import { PatchbayError } from "../services/errors.ts";
import { readBayeuxAnswer } from "../services/following/cometd/bayeux.ts";
import { smsCandidates } from "../services/sms/eligibility.ts";
import { readJson } from "../services/support/spelled_json.ts";
import { parseRecoveryRequest } from "../services/webhooks/recovery_request.ts";
import { parseWebhookDraft, parseWebhookPatch } from "../services/webhooks/registration.ts";
import { READERS } from "./cost/readers.ts";
import { bodyFor, TEMPLATES } from "./fuzz/bodies.ts";
import { canaryIn, NUMBERS, SECRETS } from "./fuzz/canaries.ts";
import { describeFailure, fuzz } from "./fuzz/fuzz.ts";
import { faultOf, faultOfLine } from "./fuzz/judge.ts";
import { type FuzzRequest, ROUTES } from "./fuzz/requests.ts";
import { type FuzzTarget, startFuzzTarget } from "./fuzz/target.ts";
import { anyText, anyValue } from "./fuzz/texts.ts";

// `deno task fuzz` draws others, and more of them.
const SEED = 20_261_122;

Deno.test("whatever is asked of it, Patchbay answers as the contract says and tells nothing", async () => {
  await using target = await startFuzzTarget({ auth: "forward" });
  const { requests, failure } = await fuzz(target, {
    seed: SEED,
    requests: 2_000,
    withinMs: 8_000,
  });
  assert.equal(failure === null ? null : describeFailure(failure), null);
  assert.ok(requests > 100, `only ${requests} were asked`);
});

/** Somebody who answers everything well but one thing. */
function startFaulty(isFault: (request: Request) => boolean): FuzzTarget {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const status = isFault(request) ? 500 : 404;
    const headers = { "content-type": "application/problem+json", "x-request-id": "1" };
    const problem = { type: "/problems/x", status, instance: "1" };
    return new Response(JSON.stringify(problem), { status, headers });
  });
  const tokens = {
    ...Object.fromEntries(CREDENTIALS_OF_NOBODY),
  } as FuzzTarget["context"]["tokens"];
  return {
    port: server.addr.port,
    context: { tokens, publicUrl: "https://x.test", consumerUrl: "http://x.test", idOf: () => "1" },
    heard: () => {},
    faults: () => Promise.resolve(null),
    tidy: () => Promise.resolve(),
    memory: () => Promise.resolve(0),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const CREDENTIALS_OF_NOBODY: readonly (readonly [string, null])[] = [];

Deno.test("a planted fault is found, told by the one request that shows it, and found again by its seed", async () => {
  await using target = startFaulty(({ method, url }) =>
    method === "GET" && /[?&]constructor=/.test(url)
  );
  const options = { requests: 20_000, withinMs: 60_000 };
  const { failure } = await fuzz(target, { ...options, seed: SEED });
  assert.ok(failure !== null);
  assert.equal(failure.requests.length, 1);
  const told = describeFailure(failure);
  assert.match(told, /--seed -?\d+: .*status 500/);
  assert.match(told, /GET \/\S*\?constructor=/);

  const again = await fuzz(target, { ...options, seed: failure.seed });
  assert.deepEqual(again.failure, failure);
});

Deno.test("the fuzzer knows every route", () => {
  const anything: unknown = new Proxy(() => anything, {
    get: (_, name) => name === Symbol.toPrimitive ? () => "x" : anything,
    apply: () => anything,
  });
  const given: Readonly<Record<string, unknown>> = {
    guards: new Proxy({}, { get: () => () => () => Promise.resolve() }),
    trustProxyHops: 0,
    notificationsToken: null,
    metricsToken: null,
    smsIngress: {
      paths: { inbound: "/ingress/twilio/sms", status: "/ingress/twilio/status" },
      sms: null,
    },
  };
  // Nobody asks anything of it, so the rest may be anything.
  const dependencies = new Proxy(given, {
    get: (_, name) => name in given ? given[String(name)] : anything,
  });
  const app = createApp(dependencies as unknown as AppDependencies);
  const served = app.routes
    .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
    .map(({ method, path }) => `${method} ${path}`);
  const fuzzed = ROUTES.flatMap(({ methods, path }) =>
    methods.map((method) => `${method} ${path}`)
  );
  assert.deepEqual(new Set(served).difference(new Set(fuzzed)), new Set());
});

const REQUEST: FuzzRequest = {
  route: null,
  method: "GET",
  target: "/v1/sessions",
  credential: "none",
  headers: [],
  body: { kind: "none" },
  chunked: false,
};
const problem = (status: number, more: object = {}) => ({
  status,
  headers: new Map([["content-type", "application/problem+json"], ["x-request-id", "r"]]),
  body: JSON.stringify({ type: "/problems/x", status, instance: "r", ...more }),
});
const plain = (status: number, body: string) => ({
  status,
  headers: new Map([["x-request-id", "r"]]),
  body,
});

const FAULTS: readonly (readonly [string, Parameters<typeof faultOf>[1], RegExp | null])[] = [
  ["a good answer", plain(200, "{}"), null],
  ["a refusal", problem(404), null],
  ["what Deno answers to what is no HTTP", { status: 400, headers: new Map(), body: "" }, null],
  ["upstream that is away", problem(502, { type: "/problems/upstream-unavailable" }), null],
  ["no answer", null, /without an answer/],
  ["a crash", problem(500), /status 500/],
  ["a store that is away", problem(503, { type: "/problems/store-unavailable" }), /status 503/],
  ["a refusal that is no problem", plain(404, "no"), /without a problem/],
  ["a problem of another status", { ...problem(404), status: 400 }, /404 in the problem/],
  ["a problem of another request", problem(404, { instance: "s" }), /another request/],
  ["a number in a refusal", problem(400, { detail: NUMBERS[0] }), /tells/],
  ["a password in an answer", plain(200, SECRETS.password), /tells/],
  ["a number where events are read", plain(200, NUMBERS[0] ?? ""), null],
];
for (const [what, answer, expected] of FAULTS) {
  Deno.test(`the fuzzer's judge on ${what}: ${expected ?? "nothing to say"}`, () => {
    const fault = faultOf(REQUEST, answer);
    if (expected === null) assert.equal(fault, null);
    else assert.match(fault ?? "", expected);
  });
}

Deno.test("the fuzzer's judge finds numbers, secrets and crashes in the log", () => {
  for (
    const line of [
      `{"event":"x","id":"${NUMBERS[1]}"}`,
      `{"event":"x","detail":"${btoa(`a:${SECRETS.password}`)} ${SECRETS.twilioToken}"}`,
      '{"event":"request.crashed"}',
      "error: Uncaught (in promise) Error",
    ]
  ) assert.notEqual(faultOfLine(line), null, line);
  assert.equal(faultOfLine('{"event":"http.request","status":404,"id":"…0143"}'), null);
});

/** What reads a value of JSON. */
const VALUE_READERS: Readonly<Record<string, (untrusted: unknown) => unknown>> = {
  "an operation": readOperation,
  "a webhook": parseWebhookDraft,
  "a change of a webhook": parseWebhookPatch,
  "a recovery": (value) => parseRecoveryRequest(value, { nowMs: 0, retentionMs: 1 }),
  "messages": (value) => smsCandidates([value]),
};
/** What reads a text of JSON, or what only looks like it. */
const JSON_READERS: Readonly<Record<string, (untrustedText: string) => unknown>> = {
  "a notification": (text) => {
    const read = readJson(text);
    if (!read.ok) return;
    readNotifications(read.value);
    sessionMembersOf(read.value);
  },
  "a CometD answer": readBayeuxAnswer,
  "a list": (text) => {
    const body = new TextEncoder().encode(text);
    readListing({ status: 200, body });
    readMessageLog({ status: 200, body });
    readNarrowable(body)?.keep(new Set());
  },
};

const bodyText = fc.oneof(...(Object.keys(TEMPLATES) as (keyof typeof TEMPLATES)[]).map(bodyFor))
  .map((body) => body.kind === "bytes" ? new TextDecoder().decode(body.bytes) : "");

/** Reads it; a refusal is what the contract knows, and tells no number. */
async function read(reader: () => unknown): Promise<void> {
  try {
    await reader();
  } catch (error) {
    if (!(error instanceof PatchbayError)) throw error;
    assert.equal(canaryIn(error.message), null, error.message);
  }
}

for (const [what, reader] of Object.entries(READERS)) {
  Deno.test(`any text is read as ${what}, or refused`, () =>
    fc.assert(fc.asyncProperty(anyText, (text) => read(() => reader(text))), {
      numRuns: 100,
      seed: SEED,
    }));
}

for (const [what, reader] of Object.entries(VALUE_READERS)) {
  Deno.test(`any value is read as ${what}, or refused`, () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(anyValue, bodyText.map(parsed)), (value) =>
        read(() => reader(value))),
      { numRuns: 1_000, seed: SEED },
    ));
}

for (const [what, reader] of Object.entries(JSON_READERS)) {
  Deno.test(`any JSON is read as ${what}, or refused`, () =>
    fc.assert(fc.asyncProperty(fc.oneof(bodyText, fc.json()), (text) => read(() => reader(text))), {
      numRuns: 1_000,
      seed: SEED,
    }));
}

function parsed(text: string): unknown {
  const read = readJson(text);
  return read.ok ? read.value.json : null;
}

/** Variables whose value nobody may be told. */
const SECRET_VARIABLES = [
  ...["UPSTREAM_PASSWORD", "UPSTASH_REDIS_REST_TOKEN", "ENCRYPTION_KEY", "NOTIFICATIONS_TOKEN"],
  ...["TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_NEXT", "METRICS_TOKEN"],
];
const VARIABLES = (await Deno.readTextFile(new URL("../.env.example", import.meta.url)))
  .matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm).map(([, name = ""]) => name).toArray();

Deno.test("any configuration is read or refused in lines that hold no secret", () => {
  const anyEnvironment = fc.dictionary(
    fc.constantFrom(...VARIABLES),
    fc.oneof(
      anyText,
      fc.constantFrom("https://a.example", "redis://u:pademelon@h", "1", "on", "basic"),
    ),
  );
  fc.assert(
    fc.property(anyEnvironment, (drawn) => {
      const env = { ...drawn };
      for (const name of SECRET_VARIABLES) if (name in env) env[name] = `bilby-secret ${env[name]}`;
      const reading = readConfig(env);
      const told = reading.ok ? reading.notes : [...reading.faults, ...reading.notes];
      for (const line of told) {
        assert.ok(!/bilby-secret|pademelon/.test(line), line);
        assert.ok(!/[\n\r]/.test(line), JSON.stringify(line));
      }
    }),
    { numRuns: 1_000, seed: SEED },
  );
});
