import type { Clock } from "../../support/clock.ts";
import type { Logger } from "../../support/log.ts";
import type { ProviderPaths, SmsProvider } from "../provider.ts";
import { createTwilioSender } from "./client.ts";
import { explainSmsError, TWILIO_CODES } from "./codes.ts";
import type { ConfiguredSender } from "./form.ts";
import { createTwilioIngress } from "./ingress.ts";
import { createTwilioListing } from "./listing.ts";
import { createTwilioMedia } from "./media.ts";
import { createSignatureVerifier, type PublicUrl } from "./signature.ts";
import { STATUS_CALLBACK_PATH, statusCallbackUrl } from "./status_callback_url.ts";

export interface TwilioOptions {
  readonly accountSid: string;
  readonly authToken: string;
  /** The second token that is accepted while tokens are changed. */
  readonly authTokenNext: string | null;
  readonly sender: ConfiguredSender;
  /** Where the Twilio REST API is; only its origin counts. */
  readonly apiUrl: URL;
  /** Where Twilio reaches us. */
  readonly publicUrl: PublicUrl;
  /** For one request, the answer's body included. */
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly log: Logger;
}

export const TWILIO_PATHS: ProviderPaths = {
  inbound: "/ingress/twilio/sms",
  status: STATUS_CALLBACK_PATH,
};

/** Texts through Twilio's Programmable Messaging. */
export function createTwilio(options: TwilioOptions): SmsProvider {
  const { sender, publicUrl } = options;
  const messages = createTwilioSender(options);
  return {
    name: "Twilio",
    defaultSender: "from" in sender ? sender : { pool: sender.messagingServiceSid },
    codes: TWILIO_CODES,
    send: ({ part, ...text }) =>
      messages.send({ ...text, statusCallback: statusCallbackUrl(publicUrl.url, part) }),
    ...createTwilioListing({ ...options, now: options.clock.now }),
    ...createTwilioMedia(options),
    ...createTwilioIngress({
      ...options,
      own: options,
      signatures: createSignatureVerifier(options),
    }),
    // A TwiML document that does nothing. Anything that is not TwiML would be sent to the customer as a text.
    inboundAnswer: { body: "<Response/>", contentType: "text/xml" },
    explain: explainSmsError,
  };
}
