import type { Config } from "./shape.ts";
import { egressEntry, httpOrigin } from "./address_parsers.ts";
import * as parse from "./parsers.ts";
import { complete, type Reader } from "./reader.ts";

/** How events go out to webhooks. */
export function readWebhooks(env: Reader): Config["webhooks"] | undefined {
  const egressAllow = env.optional(
    "EGRESS_ALLOW",
    parse.commaList(egressEntry.parse, {
      expected:
        "CIDRs, addresses, host names or *.suffixes, without scheme or port, separated by commas",
      max: 1000,
    }),
  );
  return complete<Config["webhooks"]>({
    timeoutMs: env.required("WEBHOOK_TIMEOUT_MS", parse.integer(100, 120_000)),
    retryWaitsMs: env.required("WEBHOOK_RETRY_S", parse.retryWaits),
    egressAllow: egressAllow === null ? [] : egressAllow,
  });
}

type Sms = NonNullable<Config["sms"]>;

/** SMS through Twilio; null, which is off, when neither the account nor its token is set. */
export function readSms(env: Reader): Sms | null | undefined {
  const authTokenNext = env.optional("TWILIO_AUTH_TOKEN_NEXT", parse.headerToken);
  const apiUrl = env.required("TWILIO_API_URL", httpOrigin);
  const accountSid = env.optional("TWILIO_ACCOUNT_SID", twilioSid("AC"));
  const authToken = env.optional("TWILIO_AUTH_TOKEN", parse.headerToken);
  const from = env.optional("TWILIO_FROM", senderNumber);
  const rateLimit = env.required("SMS_RATE_LIMIT", parse.rateLimit);
  const serviceSid = env.optional("TWILIO_MESSAGING_SERVICE_SID", twilioSid("MG"));
  if (accountSid === null && authToken === null) return null;

  checkSmsIsWhole(env);
  const sender = from ? { from } : serviceSid ? { messagingServiceSid: serviceSid } : undefined;
  return accountSid && authToken
    ? complete<Sms>({ accountSid, authToken, authTokenNext, sender, apiUrl, rateLimit })
    : undefined;
}

/** What SMS needs beyond single values that can be read. */
function checkSmsIsWhole(env: Reader): void {
  if (!env.isSet("TWILIO_AUTH_TOKEN")) {
    env.fault("Cannot use TWILIO_ACCOUNT_SID without TWILIO_AUTH_TOKEN: expected both");
  }
  if (!env.isSet("TWILIO_ACCOUNT_SID")) {
    env.fault("Cannot use TWILIO_AUTH_TOKEN without TWILIO_ACCOUNT_SID: expected both");
  }
  if (!env.isSet("PUBLIC_URL")) {
    env.fault(`Cannot use SMS without PUBLIC_URL: expected ${httpOrigin.expected}`);
  }
  const both = env.isSet("TWILIO_FROM") && env.isSet("TWILIO_MESSAGING_SERVICE_SID");
  const neither = !env.isSet("TWILIO_FROM") && !env.isSet("TWILIO_MESSAGING_SERVICE_SID");
  if (both || neither) {
    env.fault(
      `Cannot use SMS with ${both ? "both" : "neither"} of TWILIO_FROM and ` +
        "TWILIO_MESSAGING_SERVICE_SID: expected exactly one",
    );
  }
}

/** https://www.twilio.com/docs/glossary/what-is-a-sid: two letters and 32 hexadecimal digits. */
function twilioSid(prefix: "AC" | "MG") {
  const form = new RegExp(`^${prefix}[0-9a-fA-F]{32}$`);
  return parse.matching(form, `${prefix} and 32 hexadecimal digits`);
}

/** ITU-T E.164 allows at most 15 digits. */
const senderNumber = parse.matching(
  /^(\+[1-9]\d{6,14}|\d{3,6})$/,
  "an E.164 number such as +15550100000, or a short code of 3 to 6 digits",
);
