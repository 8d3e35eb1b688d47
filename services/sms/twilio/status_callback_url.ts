import type { PartOfText } from "../provider.ts";

/** Where Twilio reports the status of texts; behind `PUBLIC_URL`. */
export const STATUS_CALLBACK_PATH = "/ingress/twilio/status";

/** More than any text has: it bounds what one delivery's record can grow to. */
const MAX_PARTS = 100;

/**
 * The `StatusCallback` of one part. It carries our own ids, because a report may come before the answer to the create
 * request has told the SID; the signature covers them.
 */
export function statusCallbackUrl(publicUrl: URL, subject: PartOfText): string {
  const { deliveryId, sessionId, part, parts } = subject;
  const query = new URLSearchParams({
    delivery: deliveryId,
    session: sessionId,
    part: String(part),
    parts: String(parts),
  });
  return `${publicUrl.href.replace(/\/$/, "")}${STATUS_CALLBACK_PATH}?${query}`;
}

/** The subject in the query of a report; null for a query that {@link statusCallbackUrl} has not made. */
export function readCallbackSubject(query: URLSearchParams): PartOfText | null {
  const deliveryId = query.get("delivery");
  const sessionId = query.get("session");
  const part = countIn(query.get("part"));
  const parts = countIn(query.get("parts"));
  if (!deliveryId || !sessionId || part === null || parts === null || part > parts) return null;
  return { deliveryId, sessionId, part, parts };
}

function countIn(text: string | null): number | null {
  if (text === null || !/^[1-9]\d{0,2}$/.test(text)) return null;
  return Number(text) <= MAX_PARTS ? Number(text) : null;
}
