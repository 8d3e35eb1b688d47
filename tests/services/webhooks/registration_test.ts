import assert from "node:assert/strict";
import { InvalidBody, InvalidParameter } from "../../../services/errors.ts";
import { parseWebhookDraft, parseWebhookPatch } from "../../../services/webhooks/registration.ts";

const URL_TEXT = "https://hook.test/in";

Deno.test("a URL is all that registering needs", () => {
  assert.deepEqual(parseWebhookDraft({ url: URL_TEXT }), { url: URL_TEXT });
});

Deno.test("all members together are taken, header names in lower case", () => {
  const members = {
    url: URL_TEXT,
    eventTypes: ["*", "session.*", "sms.sent"],
    agentIds: ["agent-1"],
    ordering: "none",
    payload: "thin",
    signing: ["v1a", "v1"],
    rateLimit: 2.5,
    concurrency: 1,
    description: "for tests",
  };
  const headers = { "X-Tenant": "acme", authorization: "Bearer a b\tc" };
  assert.deepEqual(parseWebhookDraft({ ...members, headers }), {
    ...members,
    headers: { "x-tenant": "acme", authorization: "Bearer a b\tc" },
  });
});

Deno.test("a change may name no member, and sets back to null what may be without", () => {
  assert.deepEqual(parseWebhookPatch({}), {});
  const cleared = { agentIds: null, rateLimit: null, description: null };
  assert.deepEqual(parseWebhookPatch(cleared), cleared);
});

for (const rateLimit of [1, 0.5, "5/s", "0.5/s", null]) {
  Deno.test(`rateLimit ${JSON.stringify(rateLimit)} is taken`, () => {
    assert.equal(parseWebhookDraft({ url: URL_TEXT, rateLimit }).rateLimit, rateLimit);
  });
}

for (const body of [null, [], "text", 5, true]) {
  Deno.test(`a body of ${JSON.stringify(body)} is invalid-body`, () => {
    assert.throws(() => parseWebhookDraft(body), InvalidBody);
    assert.throws(() => parseWebhookPatch(body), InvalidBody);
  });
}

Deno.test("registering without a URL says that it is missing", () => {
  assert.throws(() => parseWebhookDraft({}), (error) => {
    assert.ok(error instanceof InvalidParameter);
    assert.equal(
      error.message,
      "Cannot do without url: expected a URL of at most 2048 characters",
    );
    return true;
  });
});

const REFUSED: readonly [members: Record<string, unknown>, message: RegExp][] = [
  [{ url: 5 }, /^Cannot use url: expected a URL/],
  [{ url: `https://hook.test/${"a".repeat(2_048)}` }, /^Cannot use url: expected a URL/],
  [{ eventType: ["*"] }, /^Cannot use eventType: expected only url, eventTypes, agentIds/],
  [{ secret: "whsec_mine" }, /^Cannot use secret: expected only/],
  [JSON.parse('{"__proto__": {"a": 1}}'), /^Cannot use __proto__: expected only/],
  [{ eventTypes: "*" }, /^Cannot use eventTypes="\*": expected a list/],
  [{ eventTypes: [] }, /^Cannot use eventTypes=\[\]: expected a list of 1 or more/],
  [{ eventTypes: null }, /^Cannot use eventTypes=null/],
  [
    { eventTypes: ["session.*", "sesion.*"] },
    /^Cannot use eventTypes\.1="sesion\.\*": expected a known/,
  ],
  [{ eventTypes: [5] }, /^Cannot use eventTypes\.0=5: expected a known/],
  [{ eventTypes: Array(51).fill("*") }, /expected at most 50 event types$/],
  [{ agentIds: [] }, /^Cannot use agentIds=\[\]/],
  [{ agentIds: [""] }, /^Cannot use agentIds\.0="": expected an agent's id/],
  [{ agentIds: Array(101).fill("agent") }, /expected at most 100 agents/],
  [{ ordering: "agent" }, /^Cannot use ordering="agent": expected one of session, none$/],
  [{ payload: "slim" }, /^Cannot use payload="slim": expected one of full, thin$/],
  [{ signing: [] }, /^Cannot use signing=\[\]: expected a list of 1 or more of v1, v1a/],
  [{ signing: ["v2"] }, /^Cannot use signing\.0="v2": expected one of v1, v1a$/],
  [{ signing: ["v1", "v1"] }, /^Cannot use signing=\["v1","v1"\]/],
  [
    { rateLimit: 0 },
    /^Cannot use rateLimit=0: expected a number of requests per second from 0\.001 to 10000/,
  ],
  [{ rateLimit: -1 }, /^Cannot use rateLimit=-1/],
  [{ rateLimit: Infinity }, /^Cannot use rateLimit/],
  [{ rateLimit: 1e306 }, /^Cannot use rateLimit/],
  [{ rateLimit: 1e-16 }, /^Cannot use rateLimit/],
  [{ rateLimit: `${"9".repeat(400)}/s` }, /^Cannot use rateLimit/],
  [{ rateLimit: "0.0000001/s" }, /^Cannot use rateLimit/],
  [{ rateLimit: "0/s" }, /^Cannot use rateLimit="0\/s"/],
  [{ rateLimit: "5" }, /^Cannot use rateLimit="5"/],
  [{ rateLimit: "5/m" }, /^Cannot use rateLimit="5\/m"/],
  [{ rateLimit: {} }, /^Cannot use rateLimit=\{\}/],
  [{ concurrency: 0 }, /^Cannot use concurrency=0: expected an integer from 1 to 100$/],
  [{ concurrency: 101 }, /^Cannot use concurrency=101/],
  [{ concurrency: 1.5 }, /^Cannot use concurrency=1\.5/],
  [{ concurrency: "5" }, /^Cannot use concurrency="5"/],
  [{ concurrency: null }, /^Cannot use concurrency=null/],
  [{ description: "x".repeat(257) }, /^Cannot use description: expected a text of at most 256/],
  [{ description: 5 }, /^Cannot use description=5/],
  [{ headers: [] }, /^Cannot use headers: expected an object/],
  [{ headers: { "": "x" } }, /expected a header name/],
  [{ headers: { "a b": "x" } }, /expected a header name/],
  [{ headers: { "x-a": 5 } }, /^Cannot use headers\.x-a: expected 1 to 1024 visible/],
  [{ headers: { "x-a": "" } }, /^Cannot use headers\.x-a/],
  [{ headers: { "x-a": " x" } }, /^Cannot use headers\.x-a/],
  [{ headers: { "x-a": "s3cret\r\nx-b: 1" } }, /^Cannot use headers\.x-a/],
  [{ headers: { "x-a": "é" } }, /^Cannot use headers\.x-a/],
  [{ headers: { "x-a": "***" } }, /and not the \*\*\* that reads show$/],
  [{ headers: { "x-a": "1", "X-A": "2" } }, /no name twice$/],
  [
    { headers: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`x-${at}`, "1"])) },
    /at most 20 headers/,
  ],
];

for (const [members, message] of REFUSED) {
  Deno.test(`${JSON.stringify(members).slice(0, 60)} is invalid-parameter`, () => {
    for (const parse of [parseWebhookDraft, parseWebhookPatch]) {
      assert.throws(() => parse({ url: URL_TEXT, ...members }), (error) => {
        assert.ok(error instanceof InvalidParameter);
        assert.match(error.message, message);
        assert.ok(!error.message.includes("s3cret"), "values of headers are not repeated");
        return true;
      });
    }
  });
}

const FORBIDDEN = [
  "Host",
  "Content-Type",
  "content-length",
  "Content-Encoding",
  "Transfer-Encoding",
  "Connection",
  "Keep-Alive",
  "TE",
  "Trailer",
  "Upgrade",
  "Proxy-Authorization",
  "User-Agent",
  "Webhook-Id",
  "webhook-anything",
  "Forwarded",
  "X-Forwarded-For",
  "Via",
  "Expect",
  "Accept-Encoding",
  "traceparent",
];

for (const name of FORBIDDEN) {
  Deno.test(`the header ${name} cannot be a webhook's own`, () => {
    assert.throws(
      () => parseWebhookDraft({ url: URL_TEXT, headers: { [name]: "x" } }),
      /expected a header that Patchbay neither sets itself nor forbids$/,
    );
  });
}
