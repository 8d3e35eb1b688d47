import { createSignatureVerifier } from "../../services/sms/twilio/signature.ts";
import { createAgentLinks } from "../../services/contact_centre/rest/agent_links.ts";
import { fieldsOf, readInboundText } from "../../services/sms/twilio/form.ts";
import { createTestGuard } from "../support/egress_guard.ts";
import { parseRecoveryRequest } from "../../services/webhooks/recovery_request.ts";
import { parseWebhookDraft } from "../../services/webhooks/registration.ts";
import { readConfig } from "../../services/config/config.ts";
import { splitText } from "../../services/sms/split.ts";
import { assertLinear } from "../support/linear_time.ts";
import { ACCOUNT_SID, AUTH_TOKEN, inboundFields } from "../support/twilio_requests.ts";
import { collidingName, filled, listed } from "./long_texts.ts";
import { READERS } from "./readers.ts";

/** What each is given is longer than what can reach it. */
const KIB64 = 64 * 1024;
/** The longest form, and the longest head of a request. */
const FORM = 48 * 1024;

/** Units of which a text can be made that a pattern has trouble with. */
const UNITS = [
  "a",
  " ",
  "1",
  ".",
  "a.",
  "%",
  "%41",
  "(",
  "+1 ",
  "\u0301",
  "\u200b",
  ";a=",
  ",",
  '\\"',
  "-",
  "a-",
  "\n",
];

for (const [what, read] of Object.entries(READERS)) {
  Deno.test(`${what} takes time in proportion to its length`, async () => {
    for (const unit of UNITS) {
      await assertLinear(KIB64, (size) => {
        const text = filled(unit, size);
        return () => settled(() => read(text));
      }).catch((cause) => {
        throw new Error(`of ${JSON.stringify(unit)}`, { cause });
      });
    }
  });
}

/** A text of an agent may be as long as a notification. */
const SPLIT = ["a", "a ", "語", " ", "\u00a0\u0301", "\u200b", "👩‍👩‍👧‍👦", "\n\n"];
for (const unit of SPLIT) {
  Deno.test(`a text of ${JSON.stringify(unit)} is split in time that grows with its length`, () =>
    assertLinear(256 * 1024, (size) => {
      const text = `x${filled(unit, size)}x`;
      return () => splitText(text);
    }));
}

const FORMS: readonly (readonly [string, (size: number) => string])[] = [
  ["a&a&a", (size) => filled("a&", size)],
  ["many fields", (size) => listed((at) => `f${at}=v`, { size, between: "&" })],
  ["fields whose names meet", (size) => listed(collidingName, { size, between: "&" })],
  ["ampersands", (size) => filled("&", size)],
  ["escapes", (size) => `Body=${filled("%C3%A9", size)}`],
  ["broken escapes", (size) => `Body=${filled("%%", size)}`],
  ["equals signs", (size) => filled("=", size)],
];
for (const [what, textOf] of FORMS) {
  Deno.test(`a form of ${what} is read in time that grows with its length`, () =>
    assertLinear(FORM, (size) => {
      const text = textOf(size);
      return () => {
        const form = new URLSearchParams(text);
        if (fieldsOf(form).ok) readInboundText(form, { accountSid: ACCOUNT_SID });
      };
    }));
}

for (const unit of ["a=b&", "%20", "a", "?", "&", "a=&a="]) {
  Deno.test(`a signature over a query of ${unit} is looked at in time that grows with its length`, () => {
    const signatures = createSignatureVerifier({ authToken: AUTH_TOKEN, authTokenNext: "next" });
    const content = { kind: "form", fields: inboundFields() } as const;
    return assertLinear(KIB64, (size) => {
      const url = `https://edge.example/ingress/twilio/sms?${filled(unit, size)}`;
      return () => signatures.verify({ url, untrustedSignature: "forged", content });
    });
  });
}

const DRAFTS: readonly (readonly [string, (size: number) => object])[] = [
  ["event types", (size) => ({ eventTypes: Array(Math.floor(size / 11)).fill("session.*") })],
  ["agents' ids", (size) => ({ agentIds: Array(Math.floor(size / 11)).fill("agent-1") })],
  ["signing schemes", (size) => ({ signing: Array(Math.floor(size / 5)).fill("v1") })],
  ["a description", (size) => ({ description: filled("a ", size) })],
  ["a URL of dots", (size) => ({ url: `https://${filled("a.", size)}` })],
  ["headers", (size) => ({ headers: manyHeaders(size) })],
  ["a header's value", (size) => ({ headers: { a: filled("a ", size) } })],
  ["unknown members", (size) => manyHeaders(size)],
];
for (const [what, draftOf] of DRAFTS) {
  Deno.test(`a webhook with many or long ${what} is refused in time that grows with its length`, () =>
    assertLinear(KIB64, (size) => {
      const draft = { url: "https://consumer.example/", ...draftOf(size) };
      return () => settled(() => parseWebhookDraft(draft));
    }));
}

function manyHeaders(size: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: Math.floor(size / 16) }, (_, at) => [`x-${at}`, "value"]),
  );
}

for (const unit of ["a.", "a", "-", "1.", "%61.", "[", "xn--a."]) {
  Deno.test(`a webhook's URL with a host of ${unit} is judged in time that grows with its length`, async () => {
    const { judgeUrl } = await createTestGuard({ allow: ["*.example.com", "10.0.0.0/8"] });
    await assertLinear(KIB64, (size) => {
      const url = `https://${filled(unit, size)}/`;
      return () => settled(() => judgeUrl(url));
    });
  });
}

Deno.test("a request to recover is read in time that grows with its length", () =>
  assertLinear(KIB64, (size) => {
    const body = { since: filled("2026-", size) };
    return () => settled(() => parseRecoveryRequest(body, { nowMs: 0, retentionMs: 1 }));
  }));

for (
  const [what, cookieOf] of [
    ["a long one", (size: number) => [filled("a=b; ", size)]],
    ["attributes", (size: number) => [`a=b${filled("; Path=/", size)}`]],
    ["a date", (size: number) => [`a=b; Expires=${filled("1 Jan ", size)}`]],
    ["blanks", (size: number) => [`a=${filled(" ", size)};`]],
    ["many", (size: number) => listed((at) => `c${at}=v`, { size }).split(",")],
  ] as const
) {
  Deno.test(`cookies of upstream's, ${what}, are taken in time that grows with their length`, () =>
    assertLinear(KIB64, (size) => {
      const headers = new Headers(cookieOf(size).map((cookie) => ["set-cookie", cookie]));
      return async () => {
        const links = createAgentLinks({ url: new URL("http://127.0.0.1:9"), mode: "forward" });
        await links.of("agent-1", null).adopt("/api/v2/me", headers);
      };
    }));
}

const LISTED_VARIABLES: Readonly<Record<string, string>> = {
  JWT_AUDIENCE: "patchbay,",
  JWT_ALGORITHMS: "ES256,",
  EGRESS_ALLOW: "a.example.com,",
  WEBHOOK_RETRY_S: "5,",
  COMETD_SUBSCRIPTIONS: "/v2/me/*,",
  UPSTREAM_URL: "http://a.",
  PUBLIC_URL: "https://a-",
  REDIS_URL: "redis://a",
  ENCRYPTION_KEY: "AAAA",
  JWT_PUBLIC_KEY: "[",
  RATE_LIMIT_PER_AGENT: "5",
};
for (const [name, unit] of Object.entries(LISTED_VARIABLES)) {
  Deno.test(`a long ${name} is read in time that grows with its length`, () =>
    assertLinear(KIB64, (size) => {
      const env = { [name]: filled(unit, size) };
      return () => readConfig(env);
    }));
}

/** The result, or nothing of what is refused: only the time counts here. */
function settled(read: () => unknown): unknown {
  try {
    const result = read();
    return result instanceof Promise ? result.catch(() => {}) : result;
  } catch {
    return undefined;
  }
}
