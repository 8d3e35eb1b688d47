import assert from "node:assert/strict";
import { readConfig } from "../../../services/config/config.ts";
import { VARIABLE_GROUPS, VARIABLES } from "../../../services/config/variables.ts";

Deno.test("VARIABLES names every variable once", () => {
  const names = VARIABLES.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("VARIABLES has the variables that readConfig() asks for, less Deno's own", () => {
  const asked = new Set<string>();
  readConfig({
    get(name) {
      if (!name.startsWith("OTEL_")) asked.add(name);
      return undefined;
    },
  });
  const names = VARIABLES.map(({ name }) => name);
  assert.deepEqual([...asked].sort(), names.toSorted());
});

Deno.test("VARIABLES describes each variable in one line without a full stop", () => {
  for (const { name, meaning } of VARIABLES) assert.match(meaning, /^\P{Cc}+[^.\s]$/u, name);
});

Deno.test("VARIABLES gives no default to a secret or to what is required", () => {
  for (const { name, secret, required, defaultText } of VARIABLES) {
    assert.ok(!(secret || required) || defaultText === undefined, name);
  }
});

Deno.test(".env.example lists every variable with its group, meaning and default, and nothing else", async () => {
  const text = await Deno.readTextFile(new URL("../../../.env.example", import.meta.url));
  const [, ...sections] = text.split(/^# ---- (?=.+ ----$)/m);
  const listed = sections.map((section) => {
    const [heading = "", ...entries] = section.trimEnd().split("\n\n");
    return { title: heading.replace(/ ----$/, ""), entries };
  });
  assert.deepEqual(
    listed,
    VARIABLE_GROUPS.map(({ title, variables }) => ({
      title,
      entries: variables.map(({ name, meaning, required, defaultText = "" }) =>
        // What is required waits to be filled in; everything else is a comment that shows the default.
        required ? `# ${meaning} (required)\n${name}=` : `# ${meaning}\n#${name}=${defaultText}`
      ),
    })),
  );
});
