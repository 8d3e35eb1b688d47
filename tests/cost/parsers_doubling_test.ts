import { createLogger, maskPhone } from "../../services/support/log.ts";
import { createPhoneNumbers } from "../../services/sms/phone.ts";
import { createSignatureVerifier, signedUrls } from "../../services/sms/twilio/signature.ts";
import { createAgentLinks } from "../../services/contact_centre/rest/agent_links.ts";
import { fieldsOf, readInboundText } from "../../services/sms/twilio/form.ts";
import { forwardedAddress } from "../../middleware/client_address.ts";
import { forwardedValue } from "../../middleware/reached_address.ts";
import { isAgentId } from "../../services/auth/agent_id.ts";
import { isCsrfRefusal } from "../../services/contact_centre/dialect/csrf.ts";
import { judgeAnswer } from "../../services/contact_centre/dialect/verdict.ts";
import { createTestGuard } from "../support/egress_guard.ts";
import { membershipOf } from "../../services/contact_centre/dialect/membership.ts";
import { oneRange, relayedType } from "../../services/sms/media_bounds.ts";
import { optOutWish } from "../../services/sms/twilio/opt_out_words.ts";
import { parseRecoveryRequest } from "../../services/webhooks/recovery_request.ts";
import { parseRetryAfter } from "../../services/http/retry_after.ts";
import { parseRfc3339 } from "../../services/support/time.ts";
import { parseUpstreamTimestamp } from "../../services/contact_centre/dialect/time.ts";
import { parseWebhookDraft } from "../../services/webhooks/registration.ts";
import { placeOfMedia } from "../../services/sms/twilio/media.ts";
import { readCallbackSubject } from "../../services/sms/twilio/status_callback_url.ts";
import { readConfig } from "../../services/config/config.ts";
import { readIdempotencyKey } from "../../services/idempotency/key.ts";
import { readPage } from "../../routes/paging.ts";
import { readableBody } from "../../services/sms/twilio/inbound_body.ts";
import { smsPicture, smsText } from "../../services/sms/eligibility.ts";
import { splitText } from "../../services/sms/split.ts";
import { assertLinear } from "../support/linear_time.ts";
import { ACCOUNT_SID, AUTH_TOKEN, inboundFields } from "../support/twilio_requests.ts";
import { collidingName, filled, listed } from "./long_texts.ts";

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

/** What reads one text. */
const READERS: Readonly<Record<string, (untrustedText: string) => unknown>> = {
  "an agent's id": isAgentId,
  "a time": parseRfc3339,
  "a time of upstream's": parseUpstreamTimestamp,
  "Retry-After": (text) => parseRetryAfter(text, 0),
  "a type of media": relayedType,
  "a range": oneRange,
  "an idempotency key": readIdempotencyKey,
  "a quoted idempotency key": (text) => readIdempotencyKey(`"${text}"`),
  "X-Forwarded-For": (text) => forwardedAddress(text, 2),
  "X-Forwarded-For in brackets": (text) => forwardedAddress(`[${text}`, 1),
  "X-Forwarded-Host": (text) => forwardedValue(text, 1),
  "a phone's number": createPhoneNumbers({ defaultCountry: "US" }).read,
  "a number to be masked": maskPhone,
  "a text of a customer": readableBody,
  "a word of a customer": (text) =>
    optOutWish({ untrustedBody: text, optOutType: null, to: "+15550100000" }),
  "a text of an agent": (text) => smsText(agentMessage("Text", { text })),
  "an address of an agent": (text) =>
    smsPicture(agentMessage("PushUrl", { url: `https://${text}` })),
  "a text to be split": splitText,
  "a text with an end to be split": (text) => splitText(`x${text}x`),
  "an address of media": (text) => placeOfMedia(`https://${text}.twilio.com/`, API),
  "a query of a status report": (text) => readCallbackSubject(new URLSearchParams(text)),
  "the URLs that Twilio may have signed": (text) =>
    signedUrls({ url: API, typed: API.href }, `http://x/${text}`),
  "a refusal of upstream's": (text) =>
    isCsrfRefusal({ status: 403, body: new TextEncoder().encode(`csrf${text}`) }),
  "an answer of upstream's": (text) => judgeAnswer(200, new TextEncoder().encode(text)),
  "a participant": (text) =>
    membershipOf({ state: "Chat", participants: [{ type: "Agent", path: `/users/${text}` }] }, {
      agentId: "agent-1",
      nicknames: ["John"],
      isOwn: false,
    }),
  "a cursor": (text) => readPage({ cursor: text.replaceAll("%", "") }),
  "a line of the log": (text) => log.info("x", { text }),
};

const API = new URL("https://api.twilio.com");
const log = createLogger({ level: "info", format: "json", now: () => 0, write: () => {} });

function agentMessage(type: string, members: object): object {
  return { type, index: 1, from: { type: "Agent" }, visibility: "All", ...members };
}

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
