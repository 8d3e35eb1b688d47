import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { createErrorHandler, notFound } from "../../middleware/problem_details.ts";
import { smsIngressRoutes } from "../../routes/ingress_sms.ts";
import { TWILIO_PATHS } from "../../services/sms/twilio/twilio.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { openGuards } from "../support/open_guards.ts";
import { openSmsTestStore } from "../support/sms_test_store.ts";
import {
  createTwilioIngressWorld,
  PUBLIC_URL,
  type TwilioIngressOptions,
  type TwilioIngressWorld,
} from "../support/twilio_ingress.ts";
import {
  AUTH_TOKEN,
  CUSTOMER,
  inboundFields,
  OWN_NUMBER,
  signature,
  statusFields,
} from "../support/twilio_requests.ts";
import { accept } from "../support/drafts.ts";
import { problemOf } from "./management_app.ts";

const SMS = "/ingress/twilio/sms";
const STATUS = "/ingress/twilio/status";
const FORM = "application/x-www-form-urlencoded";

const openWorld = (options?: TwilioIngressOptions) =>
  createTwilioIngressWorld(openSmsTestStore(), options);

/** Posts a body as it is, signed for `signedFields`. */
function send(
  world: TwilioIngressWorld,
  body: BodyInit,
  signedFields: Record<string, string>,
  { target = SMS, headers = {} as Record<string, string>, method = "POST" } = {},
) {
  return world.app.request(target, {
    method,
    ...(method !== "GET" && { body }),
    headers: {
      "content-type": FORM,
      "x-twilio-signature": signature(PUBLIC_URL.origin + target, signedFields),
      ...headers,
    },
  });
}

async function assertRefused(answer: Response | Promise<Response>, status: number, code: string) {
  const refused = await answer;
  assert.equal(refused.status, status);
  assert.equal(refused.headers.get("content-type"), "application/problem+json");
  const problem = await problemOf(refused);
  assert.equal(problem.code, code);
  return problem.detail;
}

Deno.test("POST /ingress/twilio/sms answers an empty TwiML document as text/xml", async () => {
  await using world = openWorld();
  const answer = await world.post(SMS, inboundFields());
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/xml");
  assert.equal(await answer.text(), "<Response/>");
  assert.equal((await world.events("sms.received")).length, 1);
});

Deno.test("POST /ingress/twilio/status answers 204", async () => {
  await using world = openWorld();
  const answer = await world.post(`${STATUS}?delivery=d&session=s&part=1&parts=1`, statusFields());
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get("content-type"), null);
});

Deno.test("without SMS neither route is there", async () => {
  const app = new Hono<AppEnv>();
  const log = createMemoryLog();
  app.onError(createErrorHandler({ log }));
  app.notFound(notFound);
  app.route("/", smsIngressRoutes({ guards: openGuards(), paths: TWILIO_PATHS, sms: null }));
  for (const path of [SMS, STATUS]) {
    await assertRefused(app.request(path, { method: "POST" }), 404, "not-found");
  }
});

for (const path of [SMS, STATUS]) {
  const fields = path === SMS ? inboundFields() : statusFields();

  Deno.test(`SIG-18 ${path} refuses a field that comes twice under a good signature`, async () => {
    await using world = openWorld();
    const body = new URLSearchParams(fields);
    // The package's validator takes a repeated value once, so the signature of the plain form fits.
    body.append("From", fields["From"] ?? "");
    const detail = await assertRefused(
      send(world, body, fields, { target: path }),
      400,
      "invalid-parameter",
    );
    assert.match(detail, /every field once/);
  });

  Deno.test(`SIG-23 ${path} does not take a GET, signed or not`, async () => {
    await using world = openWorld();
    const target = `${path}?${new URLSearchParams(fields)}`;
    const answer = await send(world, "", {}, { target, method: "GET" });
    assert.equal(answer.status, 404);
    await answer.body?.cancel();
    assert.deepEqual(await world.events(), []);
  });

  Deno.test(`SIG-24 ${path} refuses another account, well signed as it is`, async () => {
    await using world = openWorld();
    const foreign = { ...fields, AccountSid: `AC${"f".repeat(32)}` };
    await assertRefused(world.post(path, foreign), 403, "insufficient-scope");
  });

  Deno.test(`SIG-25 ${path} refuses a form over 16 KiB, whatever length it declares`, async () => {
    await using world = openWorld();
    const large = { ...fields, Padding: "x".repeat(16 * 1024) };
    await assertRefused(world.post(path, large), 413, "body-too-large");
    const stream = new Blob([String(new URLSearchParams(large))]).stream();
    await assertRefused(send(world, stream, large, { target: path }), 413, "body-too-large");
  });

  Deno.test(`${path} counts a form's bytes without its escapes`, async () => {
    await using world = openWorld();
    // 12,288 bytes of UTF-8, and 36,864 of the body.
    const long = { ...fields, Body: "語".repeat(4_096) };
    const answer = await world.post(path, long);
    assert.equal(answer.ok, true);
    await answer.body?.cancel();
    const tooLong = { ...fields, Body: "語".repeat(8_192) };
    await assertRefused(world.post(path, tooLong), 413, "body-too-large");
  });

  Deno.test(`${path} refuses a repeated field before it looks at the signature`, async () => {
    await using world = openWorld();
    const forged = { "content-type": FORM, "x-twilio-signature": "forged" };
    for (const body of ["a&a", "a=1&b=2&a=3", "a&".repeat(8_000)]) {
      const answer = world.app.request(path, { method: "POST", headers: forged, body });
      const detail = await assertRefused(answer, 400, "invalid-parameter");
      assert.match(detail, /every field once/);
    }
  });

  Deno.test(`${path} refuses more than 100 fields before it looks at the signature`, async () => {
    await using world = openWorld();
    const forged = { "content-type": FORM, "x-twilio-signature": "forged" };
    const body = Array.from({ length: 101 }, (_, at) => `field${at}=`).join("&");
    const answer = world.app.request(path, { method: "POST", headers: forged, body });
    const detail = await assertRefused(answer, 400, "invalid-parameter");
    assert.match(detail, /at most 100 fields/);
  });

  Deno.test(`SIG-26 ${path} refuses a request without a signature, or with an empty one`, async () => {
    await using world = openWorld();
    const body = String(new URLSearchParams(fields));
    const unsigned = world.app.request(path, {
      method: "POST",
      body,
      headers: { "content-type": FORM },
    });
    await assertRefused(unsigned, 401, "unauthenticated");
    const empty = send(world, body, fields, {
      target: path,
      headers: { "x-twilio-signature": "" },
    });
    const refused = await empty;
    assert.match(refused.headers.get("www-authenticate") ?? "", /^X-Twilio-Signature /);
    await assertRefused(refused, 401, "unauthenticated");
    assert.deepEqual(await world.events(), []);
  });

  Deno.test(`${path} refuses a body that is no form`, async () => {
    await using world = openWorld();
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x", ""]) {
      const answer = send(world, "{}", {}, { target: path, headers: { "content-type": type } });
      await assertRefused(answer, 415, "unsupported-media-type");
    }
  });
}

Deno.test("SIG-19 a border moved between name and value is refused, although the signature fits", async () => {
  await using world = openWorld();
  const fields = inboundFields({ Body: "x" });
  const { Body: _, ...others } = fields;
  const { validateRequest } = await import("twilio/lib/webhooks/webhooks.js");
  const forged = { ...others, Bod: "yx" };
  const fits = signature(PUBLIC_URL.origin + SMS, fields);
  assert.equal(validateRequest(AUTH_TOKEN, fits, PUBLIC_URL.origin + SMS, forged), true);
  const detail = await assertRefused(
    send(world, new URLSearchParams(forged), fields),
    400,
    "invalid-parameter",
  );
  assert.match(detail, /Body to be there/);
});

Deno.test("SIG-20 two fields merged into one are refused, although the signature fits", async () => {
  await using world = openWorld();
  const fields = inboundFields({ Body: "x" });
  const { From, ...others } = fields;
  const forged = { ...others, Body: `xFrom${From}` };
  const { validateRequest } = await import("twilio/lib/webhooks/webhooks.js");
  const fits = signature(PUBLIC_URL.origin + SMS, fields);
  assert.equal(validateRequest(AUTH_TOKEN, fits, PUBLIC_URL.origin + SMS, forged), true);
  const detail = await assertRefused(
    send(world, new URLSearchParams(forged), fields),
    400,
    "invalid-parameter",
  );
  assert.match(detail, /From to be/);
});

/** Sends a request byte for byte, as `fetch` and `Request` would rewrite its target. */
async function sendRaw(port: number, target: string, host: string, fields: Record<string, string>) {
  const signedFor = PUBLIC_URL.origin + target.replace(/#.*/, "");
  const body = String(new URLSearchParams(fields));
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = [
    `POST ${target} HTTP/1.1`,
    `host: ${host}`,
    "connection: close",
    `content-type: ${FORM}`,
    `content-length: ${body.length}`,
    `x-twilio-signature: ${signature(signedFor, fields)}`,
    "x-forwarded-host: spoofed.example",
    "x-forwarded-proto: http",
    "x-forwarded-port: 1234",
    "x-original-url: /elsewhere",
    "forwarded: host=spoofed.example;proto=http",
  ];
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`));
  writer.releaseLock();
  const answer = await new Response(connection.readable).text();
  return Number(answer.split(" ", 2)[1]);
}

async function withServer(test: (port: number, world: TwilioIngressWorld) => Promise<void>) {
  await using world = openWorld();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    world.app.fetch,
  );
  try {
    await test(server.addr.port, world);
  } finally {
    await server.shutdown();
  }
}

Deno.test("SIG-21 a fragment (Twilio's connection overrides) is no part of what is signed", async () => {
  await withServer(async (port, world) => {
    assert.equal(await sendRaw(port, SMS, "edge.example", inboundFields()), 200);
    assert.equal(
      await sendRaw(port, `${SMS}?a=b#rc=5&rp=5xx`, "edge.example", inboundFields()),
      200,
    );
    assert.equal((await world.events("sms.received")).length, 2);
  });
});

Deno.test("SIG-22 neither Host nor forwarding headers have a say in the URL that is signed", async () => {
  await withServer(async (port, world) => {
    for (const host of ["edge.example", "spoofed.example", "Edge.Example:443", "127.0.0.1"]) {
      assert.equal(await sendRaw(port, SMS, host, inboundFields()), 200, host);
    }
    const forSpoofed = { ...inboundFields() };
    const answer = await send(world, new URLSearchParams(forSpoofed), forSpoofed, {
      headers: {
        "x-twilio-signature": signature(`https://spoofed.example${SMS}`, forSpoofed),
        "x-forwarded-host": "spoofed.example",
      },
    });
    await assertRefused(answer, 401, "unauthenticated");
  });
});

Deno.test("SIG-22 the target is signed as it came: quotes, escapes and all", async () => {
  await withServer(async (port) => {
    for (const query of ["?a='b'", "?a=%27b", "?a=%2B+x&&c", "?", "?a=|{}^"]) {
      assert.equal(await sendRaw(port, SMS + query, "x", inboundFields()), 200, query);
    }
  });
});

Deno.test("a status report is matched by the ids in its signed URL, and by no others", async () => {
  await using world = openWorld();
  const fields = statusFields();
  const target = `${STATUS}?delivery=d1&session=s&part=1&parts=1`;
  const changed = send(world, new URLSearchParams(fields), fields, {
    target: target.replace("d1", "d2"),
    headers: { "x-twilio-signature": signature(PUBLIC_URL.origin + target, fields) },
  });
  await assertRefused(changed, 401, "unauthenticated");
});

Deno.test("a wrong signature is told to the operator, as it mostly means a wrong PUBLIC_URL or token", async () => {
  await using world = openWorld();
  const fields = inboundFields();
  const other = signature("https://other.example/ingress/twilio/sms", fields);
  const headers = { "x-twilio-signature": other };
  const answer = send(world, new URLSearchParams(fields), fields, { headers });
  await assertRefused(answer, 401, "unauthenticated");
  const [refused] = world.log.of("twilio.refused");
  assert.match(JSON.stringify(refused), /"signature".*PUBLIC_URL/);
});

/** A session whose customer has texted that number of ours; null: it is not known which. */
async function openSession(world: TwilioIngressWorld, sessionId: string, sender: string | null) {
  const nowMs = world.clock.now();
  await accept(world.store, sessionId, "agent-1", { nowMs });
  await world.store.setCustomer({ sessionId, customer: { phone: CUSTOMER, sender }, nowMs });
}

const STICKY = "+15550100042";

Deno.test("a text to whatever number of ours is taken, with the session that fits", async () => {
  await using world = openWorld();
  await openSession(world, "S1", STICKY);
  await openSession(world, "S2", "+15550100043");
  await openSession(world, "S3", null);
  await world.text(inboundFields({ To: STICKY }));
  await world.text(inboundFields({ To: "+15550100099" }));
  await world.text(inboundFields({ To: STICKY, From: "+16501119999" }));
  await world.text(inboundFields({ To: "whatsapp:+15550100042", From: `whatsapp:${CUSTOMER}` }));
  const events = await world.events("sms.received");
  assert.deepEqual(events.map(({ sessionId }) => sessionId), ["S1", "S3", null, null]);
});

Deno.test("a refusal quotes no number, and the log line neither", async () => {
  await using world = openWorld();
  const forged = inboundFields({ From: `${CUSTOMER}FromCityPalo Alto` });
  const detail = await assertRefused(world.post(SMS, forged), 400, "invalid-parameter");
  assert.match(detail, /From/);
  assert.equal(world.log.of("twilio.refused").length, 1);
  assert.ok(!/\d{5}/.test(detail + JSON.stringify(world.log.entries)));
});

Deno.test("expunging a session removes what its customer wrote, numbers and all", async () => {
  const store = openSmsTestStore();
  await using world = createTwilioIngressWorld(store);
  const nowMs = world.clock.now();
  await accept(store, "S1", "agent-1", { nowMs });
  const { From = "" } = inboundFields();
  await store.setCustomer({
    sessionId: "S1",
    customer: { phone: From, sender: OWN_NUMBER },
    nowMs,
  });
  await world.text(inboundFields({ Body: "my secret" }));
  await world.text(inboundFields({ Body: "STOP" }));
  await store.expungeSession("S1");
  const events = await world.events();
  assert.deepEqual(
    events.map(({ type, data }) => [type, data]),
    [
      "session.accepted",
      "sms.received",
      "sms.received",
      "customer.opted_out",
    ].map((type) => [type, { expunged: true }]),
  );
  // The opt-out itself is honoured still.
  assert.equal(await world.optOuts.isOptedOut(From, { from: OWN_NUMBER }), true);
});
