import type { DeliveryRate } from "../store/port.ts";
import type { Webhook } from "./record.ts";

/** The token bucket that a webhook's `rateLimit` (`5`, `"5/s"`) asks for: a second's worth of requests; null: none. */
export function deliveryRate({ rateLimit }: Pick<Webhook, "rateLimit">): DeliveryRate | null {
  if (rateLimit === null) return null;
  // Reads the number before "/s", which input.ts has checked.
  const perSecond = typeof rateLimit === "number" ? rateLimit : parseFloat(rateLimit);
  // A bucket that holds less than one token never gives any.
  return { perSecond, burst: Math.max(1, perSecond) };
}
