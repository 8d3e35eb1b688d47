import assert from "node:assert/strict";
import { applyEffect, claim, confirm } from "../../../services/store/session_rules.ts";
import { CLAIMS, CONFIRMATIONS, EFFECTS, NEWCOMER, NOW } from "./session_cases.ts";

for (const [says, kept, agentId, expected] of CLAIMS) {
  Deno.test(`claiming ${says}: ${expected}`, () => {
    const { outcome, ...decided } = claim(kept, { agentId, nowMs: NOW });
    assert.equal(outcome.outcome === "claimed" ? outcome.as : outcome.outcome, expected);
    assert.deepEqual(decided, outcome.outcome === "claimed" ? { claim: "take" } : {});
  });
}

for (const [says, kept, as, expected] of CONFIRMATIONS) {
  Deno.test(`confirming ${says} as ${as}: ${expected.outcome}`, () => {
    assert.deepEqual(confirm(kept, { ...NEWCOMER, nowMs: NOW, as }), expected);
  });
}

for (const [says, mapping, agentId, effect, expected] of EFFECTS) {
  Deno.test(`an agent who ${says}: ${expected.mapping?.to ?? expected.outcome}`, () => {
    assert.deepEqual(applyEffect(mapping, { agentId, nowMs: NOW, effect }), expected);
  });
}
