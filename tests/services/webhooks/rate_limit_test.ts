import assert from "node:assert/strict";
import { deliveryRate } from "../../../services/webhooks/rate_limit.ts";

const RATES: readonly [rateLimit: number | string | null, perSecond: number, burst: number][] = [
  [5, 5, 5],
  ["5/s", 5, 5],
  [2.5, 2.5, 2.5],
  ["0.5/s", 0.5, 1],
  [0.1, 0.1, 1],
  ["1000/s", 1_000, 1_000],
];

for (const [rateLimit, perSecond, burst] of RATES) {
  Deno.test(`a rateLimit of ${JSON.stringify(rateLimit)} is ${perSecond} a second from a bucket of ${burst}`, () => {
    assert.deepEqual(deliveryRate({ rateLimit }), { perSecond, burst });
  });
}

Deno.test("no rateLimit is no rate", () => {
  assert.equal(deliveryRate({ rateLimit: null }), null);
});
