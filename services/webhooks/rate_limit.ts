import * as v from "valibot";
import type { DeliveryRate } from "../store/port/deliveries.ts";

/** Requests per second that a webhook may ask for. */
const MIN_RATE = 0.001;
const MAX_RATE = 10_000;

const PER_SECOND = /^\d{1,9}(\.\d{1,9})?\/s$/;
const EXPECTED =
  `a number of requests per second from ${MIN_RATE} to ${MAX_RATE}, as a number or as "N/s"`;

/** A webhook's `rateLimit` as it is given: `5` or `"5/s"`. */
export const rateLimitSchema = v.union([
  v.pipe(v.number(EXPECTED), v.check(isRate, EXPECTED)),
  v.pipe(
    v.string(EXPECTED),
    v.regex(PER_SECOND, EXPECTED),
    v.check((text) => isRate(parseFloat(text)), EXPECTED),
  ),
], EXPECTED);

/** The token bucket that a `rateLimit` asks for: it holds a second's worth of requests. Null where there is no limit. */
export function deliveryRate(
  { rateLimit }: { readonly rateLimit: number | string | null },
): DeliveryRate | null {
  if (rateLimit === null) return null;
  // Reads the number before "/s".
  const perSecond = typeof rateLimit === "number" ? rateLimit : parseFloat(rateLimit);
  // The schema lets no other rate in; with one from elsewhere the arithmetic of buckets would end.
  if (!isRate(perSecond)) return null;
  // A bucket that holds less than one token never gives any.
  return { perSecond, burst: Math.max(1, perSecond) };
}

function isRate(perSecond: number): boolean {
  return perSecond >= MIN_RATE && perSecond <= MAX_RATE;
}
