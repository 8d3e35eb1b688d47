import assert from "node:assert/strict";
import { createLruMap } from "../../../services/support/lru_map.ts";

Deno.test("createLruMap() forgets the entry that was used least recently, reading included", () => {
  const map = createLruMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.get("a");
  map.set("c", 3);
  assert.equal(map.get("b"), undefined);
  assert.equal(map.get("a"), 1);
  assert.equal(map.get("c"), 3);
  assert.equal(map.size, 2);
});

Deno.test("createLruMap() counts a stored value as used, and replaces without growing", () => {
  const map = createLruMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 10);
  map.set("c", 3);
  assert.equal(map.get("a"), 10);
  assert.equal(map.get("b"), undefined);
});

Deno.test("createLruMap() lets an entry be deleted", () => {
  const map = createLruMap<string, number>(2);
  map.set("a", 1);
  map.delete("a");
  assert.equal(map.get("a"), undefined);
  assert.equal(map.size, 0);
});

for (const bound of [0, -1, 1.5, NaN]) {
  Deno.test(`createLruMap() refuses a bound of ${bound}`, () => {
    assert.throws(() => createLruMap(bound), RangeError);
  });
}
