import assert from "node:assert/strict";
import { InvalidParameter } from "../../services/errors.ts";
import { filtersIn, listBody, readPage } from "../../routes/paging.ts";

const IDS = ["evt_01JD9P5Q6R7S8T9V0W1X2Y3Z41", "0000Na9B26EF002X", "größe/1?&="];

for (const id of IDS) {
  Deno.test(`a nextCursor made of ${id} leads on from there`, () => {
    const { nextCursor } = JSON.parse(listBody({ items: [], nextCursor: id }, String));
    assert.match(nextCursor, /^[\w-]+$/);
    assert.deepEqual(readPage({ cursor: nextCursor }), { limit: 20, cursor: id });
  });
}

Deno.test("listBody() puts the items' texts in as they are", () => {
  const body = listBody({ items: [1, 2], nextCursor: null }, (item) => `{"n":${item}.0}`);
  assert.equal(body, '{"data":[{"n":1.0},{"n":2.0}],"nextCursor":null}');
});

const LIMITS: [Record<string, string>, number][] = [
  [{}, 20],
  [{ limit: "1" }, 1],
  [{ limit: "100" }, 100],
];

for (const [query, limit] of LIMITS) {
  Deno.test(`readPage() reads ${JSON.stringify(query)} as a limit of ${limit}`, () => {
    assert.deepEqual(readPage(query), { limit });
  });
}

const BAD: Record<string, string>[] = [
  { limit: "0" },
  { limit: "101" },
  { limit: "" },
  { limit: "-1" },
  { limit: "1.5" },
  { limit: "1e1" },
  { limit: " 5" },
  { cursor: "" },
  { cursor: "not base64url!" },
  { cursor: "YQ==" },
  { cursor: "_w" }, // a byte that is no UTF-8
  { cursor: "YWFh".repeat(1_000) },
];

for (const query of BAD) {
  Deno.test(`readPage() refuses ${JSON.stringify(query).slice(0, 40)}`, () => {
    assert.throws(() => readPage(query), InvalidParameter);
  });
}

Deno.test("filtersIn() takes the named filters and leaves the rest", () => {
  assert.deepEqual(filtersIn({ session: "s", limit: "5" }, ["session", "type"]), { session: "s" });
});

Deno.test("filtersIn() refuses an empty filter rather than listing everything", () => {
  assert.throws(() => filtersIn({ session: "" }, ["session"]), /empty session/);
});
