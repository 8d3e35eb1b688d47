/** What reads a single text of somebody whom nobody knows yet, by what the text is. */

import { createLogger, maskPhone } from "../../services/support/log.ts";
import { createPhoneNumbers } from "../../services/sms/phone.ts";
import { signedUrls } from "../../services/sms/twilio/signature.ts";
import { forwardedAddress } from "../../middleware/client_address.ts";
import { forwardedValue } from "../../middleware/reached_address.ts";
import { isAgentId } from "../../services/auth/agent_id.ts";
import { isCsrfRefusal } from "../../services/contact_centre/dialect/csrf.ts";
import { judgeAnswer } from "../../services/contact_centre/dialect/verdict.ts";
import { membershipOf } from "../../services/contact_centre/dialect/membership.ts";
import { oneRange, relayedType } from "../../services/sms/media_bounds.ts";
import { optOutWish } from "../../services/sms/twilio/opt_out_words.ts";
import { parseRetryAfter } from "../../services/http/retry_after.ts";
import { parseRfc3339 } from "../../services/support/time.ts";
import { parseUpstreamTimestamp } from "../../services/contact_centre/dialect/time.ts";
import { placeOfMedia } from "../../services/sms/twilio/media.ts";
import { readCallbackSubject } from "../../services/sms/twilio/status_callback_url.ts";
import { readIdempotencyKey } from "../../services/idempotency/key.ts";
import { readPage } from "../../routes/paging.ts";
import { readableBody } from "../../services/sms/twilio/inbound_body.ts";
import { smsPicture, smsText } from "../../services/sms/eligibility.ts";
import { splitText } from "../../services/sms/split.ts";

export const READERS: Readonly<Record<string, (untrustedText: string) => unknown>> = {
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
