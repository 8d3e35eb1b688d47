import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createLogger,
  type LoggerOptions,
  type LogValue,
  maskPhone,
} from "../../../services/support/log.ts";

const NOW = Date.UTC(2026, 10, 22, 10, 0, 0, 5);

function setup(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({
    level: "debug",
    format: "json",
    now: () => NOW,
    write: (line) => void lines.push(line),
    ...options,
  });
  return { log, lines };
}

Deno.test("createLogger() writes JSON with time, level, event and fields, in this order", () => {
  const { log, lines } = setup();
  log.info("session.accepted", { sessionId: "007", tries: 2, late: false, agent: null });
  assert.deepEqual(lines, [
    '{"time":"2026-11-22T10:00:00.005Z","level":"info","event":"session.accepted",' +
    '"sessionId":"007","tries":2,"late":false,"agent":null}',
  ]);
});

Deno.test("createLogger() writes pretty lines for people", () => {
  const { log, lines } = setup({ format: "pretty" });
  log.warn("store.slow", { operation: "claim session", ms: 12.5, agent: null });
  log.debug("ready");
  assert.deepEqual(lines, [
    '10:00:00.005 WARN  store.slow operation="claim session" ms=12.5 agent=null',
    "10:00:00.005 DEBUG ready",
  ]);
});

const LEVELS = ["debug", "info", "warn", "error"] as const;
for (const [index, level] of LEVELS.entries()) {
  Deno.test(`createLogger() at level ${level} leaves out what lies below`, () => {
    const { log, lines } = setup({ level });
    for (const each of LEVELS) log[each]("tick");
    assert.deepEqual(lines.map((line) => JSON.parse(line).level), LEVELS.slice(index));
  });
}

for (const format of ["json", "pretty"] as const) {
  Deno.test(`createLogger() leaves out undefined fields in ${format} format`, () => {
    const { log, lines } = setup({ format });
    log.info("tick", { gone: undefined, kept: 1 });
    assert.doesNotMatch(lines.join("\n"), /gone|undefined/);
  });

  Deno.test(`createLogger() keeps any field on one line without control characters in ${format} format`, () => {
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.double(), fc.boolean());
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (fields) => {
        const { log, lines } = setup({ format });
        log.error("tick", fields);
        assert.equal(lines.length, 1);
        assert.doesNotMatch(lines.join(), /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
      }),
      { numRuns: 200 },
    );
  });
}

const FORGERY = '\n{"time":"x","level":"error","event":"forged"}\r\u2028\u0085\x1b[2K\u202e';

Deno.test("createLogger() gives back the same text when its JSON is read", () => {
  const { log, lines } = setup();
  log.info("tick", { text: FORGERY });
  assert.equal(JSON.parse(lines[0] ?? "").text, FORGERY);
});

Deno.test("createLogger() keeps a value inside its quotes in pretty format", () => {
  const { log, lines } = setup({ format: "pretty" });
  log.info("tick", { text: `x" level="error${FORGERY}`, next: 1 });
  assert.deepEqual(lines, [
    '10:00:00.005 INFO  tick text="x\\" level=\\"error\\n{\\"time\\":\\"x\\",\\"level\\":\\"error\\",' +
    '\\"event\\":\\"forged\\"}\\r\\u2028\\u0085\\u001b[2K\\u202e" next=1',
  ]);
});

Deno.test("createLogger() lets no field replace time, level or event", () => {
  const { log, lines } = setup();
  log.info("tick", { event: "evt_1", level: "error", time: 0 });
  assert.deepEqual(JSON.parse(lines[0] ?? ""), {
    time: "2026-11-22T10:00:00.005Z",
    level: "info",
    event: "tick",
    event_: "evt_1",
    level_: "error",
    time_: 0,
  });
});

Deno.test("LogValue has no room for what JSON cannot hold, nor for objects", () => {
  // @ts-expect-error a bigint would make JSON.stringify throw
  const big: LogValue = 1n;
  // @ts-expect-error an object could carry anything along
  const whole: LogValue = {};
  assert.deepEqual([big, whole], [1n, {}]);
});

for (
  const [phone, masked] of [
    ["+1 (555) 010-0123", "…0123"],
    ["+15550100123", "…0123"],
    ["12345", "…2345"],
    ["", "…"],
  ] as const
) {
  Deno.test(`maskPhone() shows ${JSON.stringify(phone)} as ${masked}`, () => {
    assert.equal(maskPhone(phone), masked);
  });
}

Deno.test("createLogger() cuts what is endless", () => {
  const { log, lines } = setup();
  log.info("tick", { text: "x".repeat(1_000_000) });
  assert.equal(JSON.parse(lines[0] ?? "").text, `${"x".repeat(8_000)}…`);
});
