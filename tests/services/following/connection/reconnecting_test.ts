import assert from "node:assert/strict";
import type { SessionEnd } from "../../../../services/following/cometd/session_end.ts";
import {
  countSetback,
  MAX_REFUSALS,
  nextStep,
} from "../../../../services/following/connection/reconnecting.ts";

const NONE = { failures: 0, refusals: 0, csrfRefusals: 0 };
type Ended = Exclude<SessionEnd, { kind: "closed" }>;

const LOST = { kind: "lost", why: "x", isUnwelcome: false } as const;
const UNWELCOME = { kind: "lost", why: "x", isUnwelcome: true } as const;

/** What follows each of so many ends of this kind in a row: the wait, and whether it is for a mere probe. */
function steps(end: Ended, times: number): (number | string)[] {
  let setbacks = NONE;
  return Array.from({ length: times }, () => {
    setbacks = countSetback(setbacks, end);
    const step = nextStep(end, setbacks, () => 0.5);
    if (step.kind === "wait") return "wait";
    return step.kind === "probe" ? `probe ${step.afterMs}` : step.afterMs;
  });
}

for (
  const [what, end, expected] of [
    ["a lost session: soon, then slower", LOST, [750, 750, 750, 1_500, 3_000, 6_000, 6_000]],
    ["a lost session to which the server advised not to come back: soon, then probes", UNWELCOME, [
      750,
      750,
      "probe 22500",
      "probe 45000",
    ]],
    ["an exchange that failed", { kind: "failed", why: "x" }, [
      750,
      750,
      1_500,
      3_000,
      6_000,
      6_000,
    ]],
    [
      "an exchange after which upstream wants to be left alone for 4 s",
      { kind: "failed", why: "x", retryAfterMs: 4_000 },
      [4_000, 4_000, 4_000, 4_000, 6_000],
    ],
    ["bad credentials: ever slower, then probes for ever", { kind: "refused", why: "x" }, [
      1_500,
      7_500,
      22_500,
      "probe 22500",
      "probe 45000",
      "probe 90000",
      "probe 180000",
      "probe 360000",
      "probe 675000",
      "probe 675000",
    ]],
    ["a CSRF token that was wrong: at once, but only once", { kind: "csrf" }, [0, 750, 1_500]],
    ["the advice none: probes", { kind: "dismissed", why: "x" }, ["probe 22500", "probe 45000"]],
    ["no credentials: until there are some", { kind: "unequipped", why: "x" }, ["wait", "wait"]],
  ] as const
) {
  Deno.test(`after ${what}`, () => {
    assert.deepEqual(steps(end, expected.length), expected);
  });
}

Deno.test("nobody waits longer than 8 s for an upstream that is down, nor less than half of that", () => {
  for (const random of [0, 0.5, 0.999]) {
    const step = nextStep(
      { kind: "failed", why: "x" },
      { ...NONE, failures: 1_000 },
      () => random,
    );
    assert.ok(step.kind === "reconnect" && step.afterMs >= 4_000 && step.afterMs <= 8_000);
  }
});

Deno.test("those who lose their sessions in one moment come back over a second and a half", () => {
  const waitsMs = [0, 0.25, 0.5, 0.75].map((random) => {
    const step = nextStep(LOST, { ...NONE, failures: 1 }, () => random);
    return step.kind === "reconnect" ? step.afterMs : null;
  });
  assert.deepEqual(waitsMs, [0, 375, 750, 1_125]);
});

Deno.test("after a refusal it is asked first whether the credentials are good", () => {
  const end = { kind: "refused", why: "x" } as const;
  const step = nextStep(end, { ...NONE, refusals: MAX_REFUSALS - 1 }, () => 0);
  assert.ok(step.kind === "reconnect" && step.askFirst);
});

for (
  const [what, before, end, after] of [
    ["a loss and a failure make one row", { failures: 1 }, LOST, { failures: 2 }],
    ["a failure ends the rows of refusals", { refusals: 2, csrfRefusals: 1 }, {
      kind: "failed",
      why: "x",
    }, { failures: 1 }],
    [
      "a refusal ends the row of CSRF refusals, not that of failures",
      {
        failures: 1,
        csrfRefusals: 1,
      },
      { kind: "refused", why: "x" },
      { failures: 1, refusals: 1 },
    ],
    ["a CSRF refusal ends no row", { failures: 1, refusals: 1 }, { kind: "csrf" }, {
      failures: 1,
      refusals: 1,
      csrfRefusals: 1,
    }],
    ["the advice none counts as much as a row of refusals", { refusals: 1, csrfRefusals: 1 }, {
      kind: "dismissed",
      why: "x",
    }, { refusals: MAX_REFUSALS }],
    ["no credentials count as nothing", { failures: 1 }, { kind: "unequipped", why: "x" }, {
      failures: 1,
    }],
    ["a close counts as nothing", { refusals: 1 }, { kind: "closed" }, { refusals: 1 }],
  ] as const
) {
  Deno.test(`setbacks in a row: ${what}`, () => {
    assert.deepEqual(countSetback({ ...NONE, ...before }, end), { ...NONE, ...after });
  });
}
