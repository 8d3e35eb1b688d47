import assert from "node:assert/strict";
import { PROBLEMS } from "../middleware/problem_kinds.ts";
import { VARIABLE_GROUPS } from "../services/config/variables.ts";
import { EVENT_TYPES } from "../services/events/event_types.ts";

const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));

/** The cells of the README's table rows, by the code in their first cell. */
const rows = new Map(
  readme.split("\n").flatMap((line) => {
    const [first, ...cells] = line.split("|").slice(1, -1).map((cell) => cell.trim());
    const name = first?.match(/^`([^`]+)`$/)?.[1];
    return name === undefined ? [] : [[name, cells] as const];
  }),
);

Deno.test("the README tells every variable with its default and meaning, as the table has them", () => {
  for (const { variables } of VARIABLE_GROUPS) {
    for (const { name, meaning, ...more } of variables) {
      const shown = "required" in more
        ? "required"
        : "defaultText" in more
        ? `\`${more.defaultText}\``
        : "–";
      assert.deepEqual(rows.get(name), [shown, meaning], name);
    }
  }
});

Deno.test("the README tells every problem with its numbers, as the table has them", () => {
  for (const [code, { status, statusCode, explanation }] of Object.entries(PROBLEMS)) {
    assert.deepEqual(rows.get(code), [String(status), String(statusCode), explanation], code);
  }
});

Deno.test("the README names only event types that there are", () => {
  const known = new Set<string>(EVENT_TYPES);
  const named = readme.matchAll(/`((?:session|sms|customer|webhook|delivery)\.[a-z_]+)`/g);
  for (const [, type] of named) assert(known.has(type ?? ""), `unknown: ${type}`);
});
