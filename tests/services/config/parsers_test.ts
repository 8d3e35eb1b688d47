import assert from "node:assert/strict";
import { secondsAsMs } from "../../../services/config/parsers.ts";

Deno.test("secondsAsMs() reads seconds and keeps milliseconds", () => {
  assert.equal(secondsAsMs(1, 60).parse("60"), 60_000);
  assert.equal(secondsAsMs(1, 60).parse("61"), undefined);
});
