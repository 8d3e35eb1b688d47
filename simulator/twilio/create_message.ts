import { type ApiError, refuse } from "./api_error.ts";
import { magicFrom, magicTo } from "./magic_numbers.ts";

/** In characters as JavaScript counts them. Twilio's limit for the text of a message. */
const LONGEST_BODY = 1600;

const E164 = /^\+[1-9]\d{6,14}$/;
const SHORT_CODE = /^\d{3,6}$/;
// Up to 11 letters, digits and spaces, at least one letter (docs: "Alphanumeric Sender ID").
const ALPHANUMERIC_SENDER = /^(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}$/;
const MESSAGING_SERVICE_SID = /^MG[0-9a-f]{32}$/;

/** A request to send that nothing is wrong with. */
export interface CreateRequest {
  readonly kind: "good";
  readonly to: string;
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly statusCallback: string | null;
}

/** Checks the form of `POST …/Messages.json` in the way Twilio does. */
export function checkCreate(form: URLSearchParams): CreateRequest | ApiError {
  const to = form.get("To") ?? "";
  const from = form.get("From") || null;
  const messagingServiceSid = form.get("MessagingServiceSid") || null;
  const body = form.get("Body") ?? "";
  const mediaUrls = form.getAll("MediaUrl");
  const statusCallback = form.get("StatusCallback") || null;
  return checkTo(to) ??
    checkSender(from, messagingServiceSid) ??
    checkContent(body, mediaUrls) ??
    checkStatusCallback(statusCallback) ??
    { kind: "good", to, from, messagingServiceSid, body, mediaUrls, statusCallback };
}

function checkTo(to: string): ApiError | null {
  if (to === "") return refuse(21604, "A To number is required");
  const magic = magicTo(to);
  if (magic !== undefined) return refuse(...magic);
  return E164.test(to) ? null : refuse(21211, `The To number ${to} is not a valid phone number`);
}

function checkSender(from: string | null, messagingServiceSid: string | null): ApiError | null {
  if (messagingServiceSid !== null && !MESSAGING_SERVICE_SID.test(messagingServiceSid)) {
    return refuse(21705, "The MessagingServiceSid is not valid");
  }
  if (from === null) {
    return messagingServiceSid === null
      ? refuse(21603, "A From number or a MessagingServiceSid is required")
      : null;
  }
  const magic = magicFrom(from);
  if (magic !== undefined) return refuse(...magic);
  return [E164, SHORT_CODE, ALPHANUMERIC_SENDER].some((form) => form.test(from))
    ? null
    : refuse(21212, `The From number ${from} is not a valid sender`);
}

function checkContent(body: string, mediaUrls: readonly string[]): ApiError | null {
  if (body.trim() === "" && mediaUrls.length === 0) {
    return refuse(21602, "A message body is required");
  }
  return body.length > LONGEST_BODY
    ? refuse(21617, `The message body is longer than ${LONGEST_BODY} characters`)
    : null;
}

function checkStatusCallback(url: string | null): ApiError | null {
  if (url === null || /^https?:$/.test(URL.parse(url)?.protocol ?? "")) return null;
  return refuse(21609, "The StatusCallback is not a valid URL");
}
