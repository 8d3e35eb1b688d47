import assert from "node:assert/strict";
import { InvalidBody, InvalidParameter } from "../../../services/errors.ts";
import { parseRecoveryRequest } from "../../../services/webhooks/recovery_request.ts";

const NOW_MS = Date.parse("2026-11-22T10:00:00.000Z");
const HOUR_MS = 3_600_000;
const parse = (body: unknown) =>
  parseRecoveryRequest(body, { nowMs: NOW_MS, retentionMs: 168 * HOUR_MS });

Deno.test("since is all that it takes: until is now then, and it is no dry run", () => {
  assert.deepEqual(parse({ since: "2026-11-22T09:00:00Z" }), {
    sinceMs: NOW_MS - HOUR_MS,
    untilMs: NOW_MS,
    dryRun: false,
  });
});

Deno.test("times are read with their offsets and fractions", () => {
  const read = parse({
    since: "2026-11-22T09:00:00.5+01:00",
    until: "2026-11-22t09:59:59.999z",
    dryRun: true,
  });
  assert.deepEqual(read, {
    sinceMs: NOW_MS - 2 * HOUR_MS + 500,
    untilMs: NOW_MS - 1,
    dryRun: true,
  });
});

Deno.test("an until ahead of now is now", () => {
  const { untilMs } = parse({ since: "2026-11-22T09:00:00Z", until: "2026-11-23T00:00:00Z" });
  assert.equal(untilMs, NOW_MS);
});

Deno.test("the whole retention can be asked for, and no more", () => {
  assert.equal(parse({ since: "2026-11-15T10:00:00Z" }).sinceMs, NOW_MS - 168 * HOUR_MS);
  assert.throws(
    () => parse({ since: "2026-11-15T09:59:59.999Z" }),
    /^InvalidParameter: Cannot use since="2026-11-15T09:59:59\.999Z": expected a time within the last 604800 s/,
  );
});

const SINCE = "2026-11-22T09:00:00Z";
const REFUSED: readonly [body: unknown, message: RegExp][] = [
  [{}, /^Cannot do without since: expected a time as in RFC 3339/],
  [{ until: SINCE }, /^Cannot do without since/],
  [{ since: "yesterday" }, /^Cannot use since="yesterday": expected a time as in RFC 3339/],
  [{ since: 1_795_341_600_000 }, /^Cannot use since=1795341600000: expected a time/],
  [{ since: null }, /^Cannot use since=null/],
  [{ since: "2026-11-22" }, /^Cannot use since="2026-11-22"/],
  [{ since: "2026-11-22 09:00:00Z" }, /^Cannot use since/],
  [{ since: "2026-11-22T09:00:00" }, /^Cannot use since/],
  [{ since: "2026-11-31T09:00:00Z" }, /^Cannot use since/],
  [{ since: "9".repeat(100) }, /^Cannot use since: expected a time/],
  [{ since: SINCE, until: "later" }, /^Cannot use until="later"/],
  [{ since: SINCE, until: SINCE }, /expected a time before until and before now$/],
  [{ since: SINCE, until: "2026-11-22T08:59:59Z" }, /expected a time before until and before now$/],
  [{ since: "2026-11-22T10:00:00Z" }, /expected a time before until and before now$/],
  [{ since: SINCE, dryRun: "yes" }, /^Cannot use dryRun="yes": expected true or false$/],
  [{ since: SINCE, dryrun: true }, /^Cannot use dryrun: expected only since, until, dryRun$/],
];

for (const [body, message] of REFUSED) {
  Deno.test(`${JSON.stringify(body).slice(0, 60)} cannot be recovered by`, () => {
    assert.throws(() => parse(body), (error) => {
      assert.ok(error instanceof InvalidParameter);
      assert.match(error.message, message);
      return true;
    });
  });
}

for (const body of [null, [], "text", 5]) {
  Deno.test(`a body of ${JSON.stringify(body)} is invalid-body`, () => {
    assert.throws(() => parse(body), InvalidBody);
  });
}
