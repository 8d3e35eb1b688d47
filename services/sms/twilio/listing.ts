import { connectTwilio, nameOf, type TwilioSenderOptions } from "./client.ts";
import { getOnce, SendEnded } from "./transport.ts";

/** A message as Twilio's list shows it. */
export interface ListedMessage {
  readonly sid: string;
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
  /** Text of ours, perhaps altered by Twilio (Smart Encoding, a trial account's preface, redaction). */
  readonly body: string;
  /** False: one that a customer sent. */
  readonly outbound: boolean;
  /** By Twilio's clock, in whole seconds. */
  readonly createdAtMs: number;
}

export type Listing =
  | {
    readonly kind: "listed";
    readonly messages: readonly ListedMessage[];
    /** False: there were more pages than were read. */
    readonly complete: boolean;
    /** How far Twilio's clock is ahead of ours; null: it did not say. */
    readonly aheadMs: number | null;
  }
  /** `passing`: it may succeed later. `code` is Twilio's, and `status` the HTTP status, where there was one. */
  | {
    readonly kind: "failed";
    readonly passing: boolean;
    readonly reason: string;
    readonly code: number | null;
    readonly status: number | null;
  };

export interface TwilioListing {
  /** Messages to one number (E.164), or the account's; never throws for what Twilio, the network or the package does. */
  list(request: ListRequest): Promise<Listing>;
}

export interface ListRequest {
  readonly to?: string;
  readonly pageSize: number;
  readonly maxPages: number;
  /** For all pages together; each has the deadline of a send besides. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
}

export interface TwilioListingOptions extends TwilioSenderOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Reads the account's messages through the `twilio` package, each page with the deadline of a send. */
export function createTwilioListing(options: TwilioListingOptions): TwilioListing {
  return {
    async list({ to, pageSize, maxPages, withinMs = Infinity, signal }) {
      let aheadMs: number | null = null;
      const untilMs = options.now() + withinMs;
      try {
        const client = await connectTwilio(options, async (call) => {
          const leftMs = Math.max(0, untilMs - options.now());
          const timeoutMs = Math.min(options.timeoutMs, leftMs);
          const reading = await getOnce(call, { ...options, timeoutMs, ...(signal && { signal }) });
          if (reading.answeredAtMs !== null) aheadMs = reading.answeredAtMs - options.now();
          return reading;
        });
        // Not filtered by DateSent: a message that waits in Twilio's queue has none yet, and would be missed.
        let page: MessagePage = await client.messages.page({
          pageSize,
          ...(to !== undefined && { to }),
        });
        const messages = page.instances.map(listed);
        for (let read = 1; read < maxPages; read++) {
          const next = await page.nextPage();
          if (next === undefined) break;
          page = next;
          messages.push(...page.instances.map(listed));
        }
        return { kind: "listed", messages, complete: page.nextPageUrl === undefined, aheadMs };
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}

/** What is used of the package's pages. */
interface MessagePage {
  readonly instances: readonly Instance[];
  readonly nextPageUrl?: string | undefined;
  nextPage(): Promise<MessagePage> | undefined;
}

/** What is used of the package's `MessageInstance`; its types promise more than an answer may hold. */
interface Instance {
  readonly sid: unknown;
  readonly from: unknown;
  readonly messagingServiceSid: unknown;
  readonly body: unknown;
  readonly direction: unknown;
  readonly dateCreated: unknown;
}

function listed({ sid, from, messagingServiceSid, body, direction, dateCreated }: Instance) {
  const createdAtMs = dateCreated instanceof Date ? dateCreated.getTime() : NaN;
  if (typeof sid !== "string" || Number.isNaN(createdAtMs)) {
    throw new TypeError("Cannot read a message of Twilio's list: expected a SID and a date");
  }
  return {
    sid,
    from: typeof from === "string" ? from : null,
    messagingServiceSid: typeof messagingServiceSid === "string" ? messagingServiceSid : null,
    body: typeof body === "string" ? body : "",
    outbound: direction !== "inbound",
    createdAtMs,
  };
}

function failureOf(error: unknown): Listing {
  if (!(error instanceof SendEnded)) {
    // What the package or we could not read now we cannot read later either.
    const reason = `the list cannot be read: ${nameOf(error)}`;
    return { kind: "failed", passing: false, reason, code: null, status: null };
  }
  const { result } = error;
  switch (result.kind) {
    case "rejected": {
      const { code, status } = result;
      const reason = `the look-up was refused with HTTP ${status}`;
      return { kind: "failed", passing: false, reason, code, status };
    }
    case "rate-limited":
      return {
        kind: "failed",
        passing: true,
        reason: "Twilio had too many requests for a look-up",
        code: 20429,
        status: 429,
      };
    case "ambiguous":
    case "not-sent":
      return {
        kind: "failed",
        passing: true,
        reason: `the look-up failed: ${result.reason}`,
        code: null,
        status: null,
      };
  }
}
