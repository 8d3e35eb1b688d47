import assert from "node:assert/strict";
import { findCircles, type Imports } from "../../tools/circles.ts";

const importsOf = (imports: Readonly<Record<string, readonly string[]>>): Imports =>
  new Map(Object.entries(imports));

Deno.test("findCircles() finds none where imports lead one way", () => {
  assert.deepEqual(
    findCircles(importsOf({
      "main.ts": ["routes/a.ts", "services/x/a.ts"],
      "routes/a.ts": ["services/x/a.ts", "services/y/a.ts"],
      "services/x/a.ts": ["services/x/inner/a.ts", "services/y/a.ts"],
      "services/x/inner/a.ts": ["services/x/port.ts"],
    })),
    [],
  );
});

Deno.test("findCircles() finds two files that import each other", () => {
  assert.deepEqual(
    findCircles(importsOf({ "routes/a.ts": ["routes/b.ts"], "routes/b.ts": ["routes/a.ts"] })),
    [{
      folder: "routes",
      members: ["a.ts", "b.ts"],
      imports: ["routes/a.ts → routes/b.ts", "routes/b.ts → routes/a.ts"],
    }],
  );
});

Deno.test("findCircles() finds rooms that need each other though no file does", () => {
  const circles = findCircles(importsOf({
    "services/x/a.ts": ["services/y/a.ts"],
    "services/y/b.ts": ["services/z/a.ts"],
    "services/z/b.ts": ["services/x/b.ts", "services/support/a.ts"],
  }));
  assert.deepEqual(circles.map(({ folder, members }) => [folder, members]), [
    ["services", ["x", "y", "z"]],
  ]);
});

Deno.test("findCircles() finds a room that needs the file beside it that needs the room", () => {
  const circles = findCircles(importsOf({
    "services/x/a.ts": ["services/x/inner/a.ts"],
    "services/x/inner/a.ts": ["services/x/a.ts"],
  }));
  assert.deepEqual(circles.map(({ folder, members }) => [folder, members]), [
    ["services/x", ["a.ts", "inner"]],
  ]);
});

Deno.test("findCircles() tells two circles of one folder apart", () => {
  const circles = findCircles(importsOf({
    "a.ts": ["b.ts", "c.ts"],
    "b.ts": ["a.ts"],
    "c.ts": ["d.ts"],
    "d.ts": ["c.ts"],
  }));
  assert.deepEqual(circles.map(({ members }) => members).toSorted(), [
    ["a.ts", "b.ts"],
    ["c.ts", "d.ts"],
  ]);
});
