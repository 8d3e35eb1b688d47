import type { ListedMessage, Listing, ListRequest } from "../provider.ts";
import { connectTwilio, nameOf, type TwilioSenderOptions } from "./client.ts";
import { TOO_MANY_REQUESTS } from "./codes.ts";
import { getOnce, SendEnded } from "./transport.ts";

export interface TwilioListing {
  /** Messages to one number (E.164), or the account's; never throws for what Twilio, the network or the package does. */
  list(request: ListRequest): Promise<Listing>;
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

function listed(
  { sid, from, messagingServiceSid, body, direction, dateCreated }: Instance,
): ListedMessage {
  const createdAtMs = dateCreated instanceof Date ? dateCreated.getTime() : NaN;
  if (typeof sid !== "string" || Number.isNaN(createdAtMs)) {
    throw new TypeError("Cannot read a message of Twilio's list: expected a SID and a date");
  }
  return {
    sid,
    from: typeof from === "string" ? from : null,
    pool: typeof messagingServiceSid === "string" ? messagingServiceSid : null,
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
        code: TOO_MANY_REQUESTS,
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
