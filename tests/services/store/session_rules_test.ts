import assert from "node:assert/strict";
import { claim, confirm } from "../../../services/store/session_rules/claims.ts";
import { applyEffect } from "../../../services/store/session_rules/effects.ts";
import { hearEnding } from "../../../services/store/session_rules/endings.ts";
import type { Claim, Kept } from "../../../services/store/session_rules/kept.ts";
import { CLAIMS, CONFIRMATIONS, EFFECTS, ENDINGS, NEWCOMER, NOW } from "./session_cases.ts";

/** As an engine gives it to the rules. */
const live = ({ mapping, claims }: Kept): Kept => ({
  mapping,
  claims: claims.filter(({ untilMs }) => untilMs > NOW),
});

for (const [says, kept, agentId, expected] of CLAIMS) {
  Deno.test(`claiming ${says}: ${expected}`, () => {
    const request = { agentId, nowMs: NOW, untilMs: NOW + 9, doubtFromMs: NOW + 3 };
    const { outcome, claims } = claim(live(kept), request);
    assert.equal(outcome.outcome === "claimed" ? outcome.as : outcome.outcome, expected);
    assert.equal(claims?.to, outcome.outcome === "claimed" ? "take" : undefined);
  });
}

Deno.test("a claim says which seat it takes, and a further try does not take back its doubt", () => {
  const [soon, later, untilMs, doubtFromMs] = [NOW + 1, NOW + 2, NOW + 9, NOW + 3];
  const agents = [{ agentId: "a", nickname: "n" }] as const;
  const mapping = { agents, seats: [soon, later], acceptedAtMs: NOW, strayUntilMs: 0 };
  const request = { agentId: "b", nowMs: NOW, untilMs, doubtFromMs };
  const fresh: Claim = {
    agentId: "b",
    untilMs,
    doubtFromMs,
    seatUntilMs: null,
    fromMs: NOW,
    hasHeard: false,
  };
  const taken = (kept: Kept) => claim(kept, request).claims;
  const take = (change: Partial<Claim>) => ({
    to: "take",
    claim: { ...fresh, ...change },
  });
  const doubted = { ...fresh, doubtFromMs: NOW - 1, seatUntilMs: soon };

  assert.deepEqual(taken({ mapping: null, claims: [] }), take({}));
  assert.deepEqual(taken({ mapping, claims: [] }), take({ seatUntilMs: soon }));
  const others = { ...doubted, agentId: "c", doubtFromMs };
  assert.deepEqual(taken({ mapping, claims: [others] }), take({ seatUntilMs: later }));
  assert.deepEqual(
    taken({ mapping, claims: [doubted] }),
    take({ seatUntilMs: soon, doubtFromMs: NOW - 1 }),
  );
  assert.deepEqual(
    taken({ mapping: { ...mapping, seats: [] }, claims: [doubted] }),
    take({ seatUntilMs: 0, doubtFromMs: NOW - 1 }),
  );
});

for (const [says, kept, as, expected] of CONFIRMATIONS) {
  Deno.test(`confirming ${says} as ${as}: ${expected.outcome}`, () => {
    assert.deepEqual(confirm(live(kept), { ...NEWCOMER, nowMs: NOW, as }), expected);
  });
}

for (const [says, mapping, agentId, effect, expected, claims = []] of EFFECTS) {
  Deno.test(`an agent who ${says}: ${expected.mapping?.to ?? expected.outcome}`, () => {
    assert.deepEqual(
      applyEffect(live({ mapping, claims }), { agentId, nowMs: NOW, effect }),
      expected,
    );
  });
}

for (const { says, kept, hasHeard = false, isOwed = false, isLeft = false, ...told } of ENDINGS) {
  const { ending, expected } = told;
  const what = [expected.mapping?.to, expected.claims?.to].filter((one) => one !== undefined);
  Deno.test(`a terminal state is told of ${says}: ${what.join(", ") || "nothing"}`, () => {
    const { mapping, claims } = live(kept);
    const decided = hearEnding(
      {
        mapping: mapping && { ...mapping, ...(isLeft && { strayUntilMs: NOW + 1 }) },
        claims: claims.map((claim) => ({ ...claim, hasHeard })),
        hasHeard,
        owedUntilMs: isOwed ? NOW + 1 : NOW,
      },
      { agentId: null, heardAtMs: NOW, isRepeat: false, stillIn: "untold", ...ending },
      NOW,
    );
    assert.deepEqual(decided, expected);
  });
}
