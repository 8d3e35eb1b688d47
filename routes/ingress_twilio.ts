import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../middleware/app_env.ts";
import { readAtMost } from "../services/support/bounded_bytes.ts";
import {
  BodyTooLarge,
  InsufficientScope,
  InvalidBody,
  InvalidParameter,
  NotFound,
  Unauthenticated,
  UnsupportedMediaType,
} from "../services/errors.ts";
import type { Logger } from "../services/support/log.ts";
import type { InboundSms } from "../services/sms/inbound.ts";
import type { StatusCallbacks } from "../services/sms/status_callbacks.ts";
import {
  fieldsOf,
  type FormFault,
  type FormReading,
  type OwnAccount,
  readInboundText,
  readStatusReport,
} from "../services/sms/twilio/form.ts";
import { type SignatureVerifier, signedUrl } from "../services/sms/twilio/signature.ts";

/** What Twilio's requests need; there only with SMS configured. */
export interface TwilioIngress {
  /** `PUBLIC_URL`. */
  readonly publicUrl: URL;
  readonly own: OwnAccount;
  readonly signatures: SignatureVerifier;
  readonly inbound: InboundSms;
  readonly statuses: StatusCallbacks;
}

export interface TwilioIngressRoutesDependencies {
  /** Null: SMS is off and the routes answer 404. */
  readonly twilio: TwilioIngress | null;
  readonly log: Logger;
}

/** The longest body that is read; Twilio's own have some 2 KiB. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * No scheme is registered for Twilio's signatures, and a 401 needs a challenge (RFC 9110 §11.6.1). It must not be Basic or
 * Digest: Twilio would repeat the request with what stands in the URL.
 */
const CHALLENGE = 'X-Twilio-Signature realm="twilio"';

/** A TwiML document that does nothing. Anything that is not TwiML would be sent to the customer as a text. */
const NO_REPLY = "<Response/>";

const SIGNATURE =
  "the signature of one of our tokens over PUBLIC_URL, the path, the query and the fields";

const FOREIGN_NUMBER: FormFault = {
  ok: false,
  reason: "foreign",
  message:
    "expected To to be TWILIO_FROM, a number of TWILIO_MESSAGING_SERVICE_SID, or the number " +
    "from which a session with this customer is answered",
};

interface TwilioEnv extends AppEnv {
  Variables: AppEnv["Variables"] & {
    /** Set by `requireSignature`: what Twilio has signed. */
    untrustedForm: URLSearchParams;
    twilio: TwilioIngress;
  };
}

/**
 * `POST /ingress/twilio/sms` and `…/status`: what customers write, and how far our texts got. Refusals: 401 for a signature
 * that is missing or wrong, as it is what a token is elsewhere; 403 for a good one on a request that is not for our
 * account or number; 400 for one that Twilio cannot have meant.
 */
export function twilioIngressRoutes({ twilio, log }: TwilioIngressRoutesDependencies) {
  const signed = requireSignature(twilio, log);

  function refusal({ reason, message }: FormFault): Error {
    log.warn("twilio.refused", { reason, expectation: message });
    const detail = `Cannot take this request of Twilio's: ${message}`;
    return reason === "foreign" ? new InsufficientScope(detail) : new InvalidParameter(detail);
  }

  function checked<T>(reading: FormReading<T>): T {
    if (!reading.ok) throw refusal(reading);
    return reading.value;
  }

  return new Hono<TwilioEnv>()
    .post("/ingress/twilio/sms", signed, async (c) => {
      const { own, inbound } = c.get("twilio");
      const text = checked(readInboundText(c.get("untrustedForm"), own));
      if (await inbound.receive(text) === "foreign") throw refusal(FOREIGN_NUMBER);
      return c.body(NO_REPLY, 200, { "content-type": "text/xml" });
    })
    .post("/ingress/twilio/status", signed, async (c) => {
      const { own, statuses, publicUrl } = c.get("twilio");
      const report = checked(readStatusReport(c.get("untrustedForm"), own));
      await statuses.report(new URL(signedUrl(publicUrl, c.req.raw.url)).searchParams, report);
      return c.body(null, 204);
    });
}

function requireSignature(twilio: TwilioIngress | null, log: Logger) {
  return createMiddleware<TwilioEnv>(async function requireTwilioSignature(c, next) {
    if (twilio === null) {
      throw new NotFound("Cannot find anything at this path: expected SMS to be configured");
    }
    // Before the body is read, so that a stranger cannot make us read one.
    const untrustedSignature = c.req.header("x-twilio-signature");
    if (!untrustedSignature) throw unauthenticated("X-Twilio-Signature to be there");
    const form = await readForm(c.req.raw);
    const isTwilios = await twilio.signatures.verify({
      url: signedUrl(twilio.publicUrl, c.req.raw.url),
      untrustedSignature,
      content: { kind: "form", fields: fieldsOf(form) },
    });
    if (!isTwilios) {
      // Mostly it is Twilio, and PUBLIC_URL or a token that is not what Twilio has: every text would be lost.
      log.warn("twilio.refused", { reason: "signature", expectation: SIGNATURE });
      throw unauthenticated(SIGNATURE);
    }
    c.set("untrustedForm", form);
    c.set("twilio", twilio);
    await next();
  });
}

async function readForm(request: Request): Promise<URLSearchParams> {
  const mediaType = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType !== "application/x-www-form-urlencoded") {
    throw new UnsupportedMediaType(
      "Cannot read the body: expected application/x-www-form-urlencoded",
    );
  }
  const bytes = await readAtMost(request.body, MAX_BODY_BYTES).catch((cause: unknown) => {
    throw new InvalidBody("Cannot read the body: expected it whole, but it broke off", { cause });
  });
  if (bytes === null) {
    throw new BodyTooLarge(`Cannot read the body: expected at most ${MAX_BODY_BYTES} bytes`);
  }
  // Bytes that are not UTF-8 become others, which no signature fits.
  return new URLSearchParams(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
}

function unauthenticated(expectation: string): Unauthenticated {
  return new Unauthenticated(`Cannot take this request for Twilio's: expected ${expectation}`, {
    headers: { "www-authenticate": CHALLENGE },
  });
}
