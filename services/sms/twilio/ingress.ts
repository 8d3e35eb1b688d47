import {
  BodyTooLarge,
  InsufficientScope,
  InvalidParameter,
  type PatchbayError,
  Unauthenticated,
  UnsupportedMediaType,
} from "../../errors.ts";
import { readRequestBody } from "../../http/request_body.ts";
import type { Clock } from "../../support/clock.ts";
import type { Logger } from "../../support/log.ts";
import { createRoom, type Room } from "../../support/room.ts";
import type { SmsProvider } from "../provider.ts";
import {
  fieldsOf,
  type FormFault,
  type FormReading,
  type OwnAccount,
  readInboundText,
  readStatusReport,
} from "./form.ts";
import { readableBody } from "./inbound_body.ts";
import { messageStatus } from "./message_status.ts";
import { optOutWish } from "./opt_out_words.ts";
import { type PublicUrl, type SignatureVerifier, signedUrls } from "./signature.ts";
import { readCallbackSubject } from "./status_callback_url.ts";

export interface TwilioIngressOptions {
  readonly publicUrl: PublicUrl;
  readonly own: OwnAccount;
  readonly signatures: SignatureVerifier;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The longest form that is read, its escapes undone. Most of Twilio's have some 2 KiB; the longest text of any channel, 4,096
 * characters of three bytes each, fits with all its media.
 */
const MAX_FORM_BYTES = 16 * 1024;

/** An escape takes three bytes for one. */
const MAX_BODY_BYTES = 3 * MAX_FORM_BYTES;

/** Of all the forms that are coming in at a time. Until one is read, anybody may have sent it. */
const MOST_BYTES_AT_ONCE = 8 * 1024 * 1024;
const PERCENT = 0x25;

/**
 * No scheme is registered for Twilio's signatures, and a 401 needs a challenge (RFC 9110 §11.6.1). It must not be Basic or
 * Digest: Twilio would repeat the request with what stands in the URL.
 */
const CHALLENGE = 'X-Twilio-Signature realm="twilio"';

const SIGNATURE =
  "the signature of one of our tokens over PUBLIC_URL, the path, the query and the fields";

/**
 * Reads what Twilio posts: what customers write, and how far our texts got. Refusals: 401 for a signature that is missing or
 * wrong, as it takes the place of a token; 403 for a good one on a request that is not for our account; 400
 * for one that Twilio cannot have meant.
 */
export function createTwilioIngress(
  { publicUrl, own, signatures, clock, log }: TwilioIngressOptions,
): Pick<SmsProvider, "readInbound" | "readReport"> {
  const room = createRoom(MOST_BYTES_AT_ONCE);

  function refusal({ reason, message }: FormFault): PatchbayError {
    log.warn("twilio.refused", { reason, expectation: message });
    const detail = `Cannot take this request of Twilio's: ${message}`;
    return reason === "foreign" ? new InsufficientScope(detail) : new InvalidParameter(detail);
  }

  function checked<T>(reading: FormReading<T>): T {
    if (!reading.ok) throw refusal(reading);
    return reading.value;
  }

  /** The form of a request that Twilio has signed, and the URL that it has signed with it. */
  async function readSigned(request: Request): Promise<{ form: URLSearchParams; url: string }> {
    // Before the body is read, so that a stranger cannot make us read one.
    const untrustedSignature = request.headers.get("x-twilio-signature");
    if (!untrustedSignature) throw unauthenticated("X-Twilio-Signature to be there");
    const form = await readForm(request, { clock, room });
    const content = { kind: "form", fields: checked(fieldsOf(form)) } as const;
    for (const url of signedUrls(publicUrl, request.url)) {
      if (await signatures.verify({ url, untrustedSignature, content })) return { form, url };
    }
    // Mostly it is Twilio, and PUBLIC_URL or a token is not what Twilio has: every text would be lost.
    log.warn("twilio.refused", { reason: "signature", expectation: SIGNATURE });
    throw unauthenticated(SIGNATURE);
  }

  return {
    async readInbound(request) {
      const { form } = await readSigned(request);
      const { untrustedBody, optOutType, messagingServiceSid: pool, ...text } = checked(
        readInboundText(form, own),
      );
      const wish = optOutWish({ untrustedBody, optOutType, to: text.to });
      return { ...text, pool, untrustedText: readableBody(untrustedBody), wish };
    },
    async readReport(request) {
      const { form, url } = await readSigned(request);
      const { messagingServiceSid: pool, ...report } = checked(readStatusReport(form, own));
      return {
        ...report,
        pool,
        status: messageStatus(report.untrustedStatus),
        subject: readCallbackSubject(new URL(url).searchParams),
      };
    },
  };
}

async function readForm(
  request: Request,
  { clock, room }: { readonly clock: Clock; readonly room: Room },
): Promise<URLSearchParams> {
  const mediaType = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType !== "application/x-www-form-urlencoded") {
    throw new UnsupportedMediaType(
      "Cannot read the body: expected application/x-www-form-urlencoded",
    );
  }
  const bytes = await readRequestBody(request, { maxBytes: MAX_BODY_BYTES, clock, room });
  // From here on it is gone through at once.
  room.give(bytes.length);
  const escapes = bytes.reduce((count, byte) => byte === PERCENT ? count + 1 : count, 0);
  if (bytes.length - 2 * escapes > MAX_FORM_BYTES) {
    throw new BodyTooLarge(
      `Cannot read the form: expected at most ${MAX_FORM_BYTES} bytes without its escapes`,
    );
  }
  // Bytes that are not UTF-8 become others, which no signature fits.
  return new URLSearchParams(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
}

function unauthenticated(expectation: string): Unauthenticated {
  return new Unauthenticated(`Cannot take this request for Twilio's: expected ${expectation}`, {
    headers: { "www-authenticate": CHALLENGE },
  });
}
