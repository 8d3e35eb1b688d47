import { GIVEN_UP_EARLY, postOnce, SendEnded, type SendResult } from "./twilio_transport.ts";

/** A text on its way out. `to` is E.164, `from` the same or a short code; `body` goes out as it is. */
export interface SmsRequest {
  readonly to: string;
  readonly sender: SmsSender;
  readonly body: string;
  /** Gives the send up: `not-sent` when nothing had begun, `ambiguous` afterwards. */
  readonly signal?: AbortSignal;
}

/** Who the text comes from. */
export type SmsSender = { readonly from: string } | { readonly messagingServiceSid: string };

export interface TwilioSender {
  /** Makes one HTTP request or none, and never throws for what Twilio, the network or the package does. */
  send(request: SmsRequest): Promise<SendResult>;
}

export interface TwilioSenderOptions {
  readonly accountSid: string;
  readonly authToken: string;
  /** Where the Twilio REST API is; only its origin counts. */
  readonly apiUrl: URL;
  /** For one send, the answer's body included. */
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
}

/**
 * Sends through the `twilio` package, which writes the request; what carries it and judges the answer is
 * {@link postOnce}. The package is imported with the first text only: it takes 100 to 300 ms and 33 MB, and wants the
 * whole environment readable, because its dependency `debug` enumerates it.
 */
export function createTwilioSender(options: TwilioSenderOptions): TwilioSender {
  return {
    async send({ to, sender, body, signal }) {
      if (signal?.aborted) return { kind: "not-sent", reason: GIVEN_UP_EARLY };
      let client;
      try {
        client = await createClient(options, signal);
      } catch (error) {
        return { kind: "not-sent", reason: `the twilio package cannot be used: ${nameOf(error)}` };
      }
      try {
        const { sid, status } = await client.messages.create({ to, body, ...sender });
        return { kind: "taken", sid, status: String(status) };
      } catch (error) {
        if (error instanceof SendEnded) return error.result;
        // Its message may quote what was sent, so only its name is kept.
        return { kind: "ambiguous", reason: `the twilio package failed: ${nameOf(error)}` };
      }
    },
  };
}

// One client for each send, because the deadline and the signal of a send belong to its HTTP client. It costs
// microseconds: the package loads its parts once.
async function createClient(options: TwilioSenderOptions, signal: AbortSignal | undefined) {
  const { default: twilio } = await import("twilio");
  // Of an HTTP client the package uses `request` alone (its advanced-examples/custom-http-client.md).
  const httpClient = {
    request: (call) => postOnce(call, { ...options, ...(signal && { signal }) }),
  } as InstanceType<typeof twilio.RequestClient>;
  // What the package reads from the environment beside its arguments (edge, region, log level, proxy, certificates) acts
  // in its own HTTP client or on the host name, and both are replaced here.
  return twilio(options.accountSid, options.authToken, { httpClient });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
