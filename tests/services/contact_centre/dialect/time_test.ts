import assert from "node:assert/strict";
import fc from "fast-check";
import {
  parseUpstreamTimestamp,
  upstreamTimeMs,
} from "../../../../services/contact_centre/dialect/time.ts";

const READABLE: readonly (readonly [text: string, rfc3339: string])[] = [
  ["2014-01-02T14:23:18.000-0800", "2014-01-02T22:23:18.000Z"],
  ["2014-01-09 11:58:12.035+0200", "2014-01-09T09:58:12.035Z"],
  ["2014-05-1502:24:00.000-0700", "2014-05-15T09:24:00.000Z"],
  ["2014-01-02T14:23:18Z", "2014-01-02T14:23:18.000Z"],
  ["2014-01-02t14:23:18z", "2014-01-02T14:23:18.000Z"],
  ["2014-01-02T14:23:18.123456+05:30", "2014-01-02T08:53:18.123Z"],
  ["2014-01-02T14:23:18,5 +00:00", "2014-01-02T14:23:18.500Z"],
  ["  2014-01-02T14:23:18.290Z ", "2014-01-02T14:23:18.290Z"],
  ["2016-02-29T23:59:60Z", "2016-03-01T00:00:00.000Z"],
];

for (const [text, rfc3339] of READABLE) {
  Deno.test(`parseUpstreamTimestamp() reads ${JSON.stringify(text)} as ${rfc3339}`, () => {
    assert.equal(parseUpstreamTimestamp(text), Date.parse(rfc3339));
  });
}

const UNREADABLE: readonly unknown[] = [
  "2014-01-02T14:23:18.000", // no offset: which moment this is, nobody knows
  "2014-02-29T00:00:00Z",
  "2014-13-01T00:00:00Z",
  "2014-00-10T00:00:00Z",
  "2014-01-02T24:00:00Z",
  "2014-01-02T14:60:00Z",
  "2014-01-02T14:23:61Z",
  "2014-01-02T14:23:18+2400",
  "2014-01-02T14:23:18+0260",
  "0014-01-02T14:23:18Z",
  "Thu, 02 Jan 2014 14:23:18 GMT",
  "1388701398000",
  "",
  null,
  undefined,
  1388701398000,
  {},
];

for (const value of UNREADABLE) {
  Deno.test(`parseUpstreamTimestamp() knows no moment for ${JSON.stringify(value)}`, () => {
    assert.equal(parseUpstreamTimestamp(value), null);
  });
}

Deno.test("parseUpstreamTimestamp() reads every ISO text that the platform writes, to the millisecond", () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date("0100-01-01T00:00:00Z"),
        max: new Date("9999-12-31T23:59:59Z"),
        noInvalidDate: true,
      }),
      fc.constantFrom("T", " ", ""),
      (date, separator) => {
        const text = date.toISOString().replace("T", separator);
        assert.equal(parseUpstreamTimestamp(text), date.getTime());
      },
    ),
  );
});

Deno.test("upstreamTimeMs() prefers timestampSeconds, which holds milliseconds", () => {
  assert.equal(
    upstreamTimeMs({ timestamp: "2014-05-1502:24:00.000-0700", timestampSeconds: 1400145840001 }),
    1400145840001,
  );
});

const IMPLAUSIBLE = [
  1400145840,
  0,
  -1,
  1e15,
  1400145840000.5,
  NaN,
  Infinity,
  "1400145840000",
  null,
];

for (const timestampSeconds of IMPLAUSIBLE) {
  Deno.test(`upstreamTimeMs() falls back on the timestamp when timestampSeconds is ${timestampSeconds} (${typeof timestampSeconds})`, () => {
    assert.equal(
      upstreamTimeMs({ timestamp: "2014-05-15T02:24:00.000-0700", timestampSeconds }),
      Date.parse("2014-05-15T09:24:00Z"),
    );
    assert.equal(upstreamTimeMs({ timestampSeconds }), null);
  });
}
