import assert from "node:assert/strict";
import { processorTimes, usageText } from "../../../bench/delivery/usage.ts";

Deno.test("usageText() tells each process in per cent of a core, and what everything else used", () => {
  const before = new Map([["Redis", 1_000], ["Patchbay", 500], ["whole machine", 10_000]]);
  const after = new Map([["Redis", 1_400], ["Patchbay", 1_300], ["whole machine", 11_300]]);
  assert.equal(usageText(before, after, 1_000), "Redis 40 %, Patchbay 80 %, all else 10 %");
});

Deno.test({
  name: "processorTimes() reads more for this process once it has worked",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const pids = new Map([["test", Deno.pid]]);
    const before = (await processorTimes(pids)).get("test") ?? NaN;
    // Bounded by the work's own progress: the kernel counts in hundredths of a second.
    let after = before;
    for (let round = 0; after === before && round < 1_000; round++) {
      for (let n = 0; n < 1_000_000; n++) Math.sqrt(n);
      after = (await processorTimes(pids)).get("test") ?? NaN;
    }
    assert.ok(after > before, `${after} after ${before}`);
  },
});
