import type { DeliveryRate } from "../store/port/deliveries.ts";
import type { Webhook } from "./record.ts";

/** Requests per second that a webhook may ask for. */
export const MIN_RATE = 0.001;
export const MAX_RATE = 10_000;

/** The token bucket that a webhook's `rateLimit` (`5`, `"5/s"`) asks for: a second's worth of requests; null: none. */
export function deliveryRate({ rateLimit }: Pick<Webhook, "rateLimit">): DeliveryRate | null {
  if (rateLimit === null) return null;
  // Reads the number before "/s", which input.ts has checked.
  const perSecond = typeof rateLimit === "number" ? rateLimit : parseFloat(rateLimit);
  // Beyond this a rate is none, and the arithmetic of buckets ends; input.ts lets none in.
  if (!(perSecond >= MIN_RATE && perSecond <= MAX_RATE)) return null;
  // A bucket that holds less than one token never gives any.
  return { perSecond, burst: Math.max(1, perSecond) };
}
