import assert from "node:assert/strict";
import { type Finding, findingOf } from "../../../services/sessions/doubt_rules.ts";
import type { MappingEffect } from "../../../services/contact_centre/dialect/operations.ts";

const SEEN = ["in", "somebody", "offered", "out", "unknown"] as const;
const ROWS: readonly (readonly [MappingEffect, ...Finding[]])[] = [
  ["accept", "done", "done", "not-yet", "not-done", "open"],
  ["join", "done", "open", "done", "not-done", "open"],
  ["hand-over", "not-yet", "open", "done", "done", "open"],
  ["end", "not-yet", "open", "done", "done", "open"],
  ["leave", "not-yet", "open", "done", "done", "open"],
  ["reject", "not-yet", "open", "done", "done", "open"],
  ["open-seat", "open", "open", "open", "open", "open"],
  ["none", "open", "open", "open", "open", "open"],
];

for (const [effect, ...findings] of ROWS) {
  for (const [at, membership] of SEEN.entries()) {
    Deno.test(`an agent who is ${membership}: what ${effect} would do is ${findings[at]}`, () => {
      assert.equal(findingOf(effect, membership), findings[at]);
    });
  }
}
