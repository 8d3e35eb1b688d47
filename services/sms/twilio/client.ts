import type { SendResult, SmsSender } from "../provider.ts";
import { GIVEN_UP_EARLY, postOnce, SendEnded, type TwilioCall } from "./transport.ts";

/** A message that Twilio is to create. `to` is E.164; `body` goes out as it is. */
export interface MessageRequest {
  readonly to: string;
  readonly sender: SmsSender;
  readonly body: string;
  /** A picture to go with it; without it where Twilio refuses it. */
  readonly mediaUrl?: string;
  /** Where Twilio is to tell what becomes of it. */
  readonly statusCallback?: string;
  /** How long it may wait in Twilio's queue, in seconds; it is dropped there afterwards. */
  readonly validityPeriodS?: number;
  /** Gives the send up: `not-sent` when nothing had begun, `ambiguous` afterwards. */
  readonly signal?: AbortSignal;
}

export interface TwilioSender {
  /** Makes one HTTP request or none, two where the picture is refused, and never throws for what Twilio, the network or the package does. */
  send(request: MessageRequest): Promise<SendResult>;
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
 * Twilio refuses the picture (its address, its type or size), or pictures from this sender or account, and may take the same
 * message without it.
 */
const REFUSED_MEDIA: ReadonlySet<number | null> = new Set([21620, 21621, 21622, 21623]);

/**
 * Sends through the `twilio` package, which writes the request; what carries it and judges the answer is
 * {@link postOnce}. The package is imported with the first text only: it takes 100 to 300 ms and 33 MB.
 */
export function createTwilioSender(options: TwilioSenderOptions): TwilioSender {
  async function create(
    { to, sender, body, mediaUrl, statusCallback, validityPeriodS, signal }: MessageRequest,
    timeoutMs: number,
  ): Promise<SendResult> {
    if (signal?.aborted) return { kind: "not-sent", reason: GIVEN_UP_EARLY };
    let client;
    try {
      client = await connectTwilio(
        options,
        (call) => postOnce(call, { ...options, timeoutMs, ...(signal && { signal }) }),
      );
    } catch (error) {
      return { kind: "not-sent", reason: `the twilio package cannot be used: ${nameOf(error)}` };
    }
    try {
      const { sid, status } = await client.messages.create({
        to,
        body,
        ...(mediaUrl !== undefined && { mediaUrl: [mediaUrl] }),
        ...("from" in sender ? sender : { messagingServiceSid: sender.pool }),
        ...(statusCallback !== undefined && { statusCallback }),
        ...(validityPeriodS !== undefined && { validityPeriod: validityPeriodS }),
      });
      return { kind: "taken", sid, status: String(status) };
    } catch (error) {
      if (error instanceof SendEnded) return error.result;
      // Its message may quote what was sent, so only its name is kept.
      return { kind: "ambiguous", reason: `the twilio package failed: ${nameOf(error)}` };
    }
  }

  return {
    async send({ mediaUrl, ...text }) {
      const startedAtMs = performance.now();
      if (mediaUrl === undefined) return await create(text, options.timeoutMs);
      const result = await create({ ...text, mediaUrl }, options.timeoutMs);
      if (result.kind !== "rejected" || !REFUSED_MEDIA.has(result.code)) return result;
      // Both together take no longer than one: whoever looks a text up that got lost reckons with that.
      const leftMs = options.timeoutMs - Math.ceil(performance.now() - startedAtMs);
      return leftMs > 0 ? await create(text, leftMs) : result;
    },
  };
}

/**
 * The package's client, with `request` in the place of its HTTP client. One for each use, because the deadline and the signal
 * of a use belong to its requests; it costs microseconds, as the package loads its parts once.
 */
export async function connectTwilio(
  { accountSid, authToken }: Pick<TwilioSenderOptions, "accountSid" | "authToken">,
  request: (call: TwilioCall) => Promise<unknown>,
) {
  const { default: twilio } = await import("twilio");
  // Of an HTTP client the package uses `request` alone (its advanced-examples/custom-http-client.md).
  const httpClient = { request } as InstanceType<typeof twilio.RequestClient>;
  // What the package reads from the environment beside its arguments (edge, region, log level, proxy, certificates) acts
  // in its own HTTP client or on the host name, and both are replaced here.
  return twilio(accountSid, authToken, { httpClient });
}

/** What may be kept of an error that the package threw: its message may quote what was sent. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
