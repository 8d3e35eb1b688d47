import assert from "node:assert/strict";
import { createIds } from "../../../services/support/ids.ts";

const NOW = Date.UTC(2026, 10, 22);
const ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}";

Deno.test("createIds() writes events as evt_ and webhooks as wh_ with a ULID", () => {
  const ids = createIds();
  assert.match(ids.event(NOW), new RegExp(`^evt_${ULID}$`));
  assert.match(ids.webhook(NOW), new RegExp(`^wh_${ULID}$`));
});

Deno.test("createIds() makes ids that sort as they were made, also within a millisecond and when the clock goes back", () => {
  const ids = createIds();
  const times = [NOW, NOW, NOW, NOW + 1, NOW - 5000, NOW, NOW + 2];
  const made = times.map((time) => ids.event(time));
  assert.deepEqual(made, made.toSorted());
  assert.equal(new Set(made).size, made.length);
});

Deno.test("createIds() makes the same ids from the same random source", () => {
  const make = () => {
    const ids = createIds(() => 0.5);
    return [ids.event(NOW), ids.event(NOW), ids.webhook(NOW + 1)];
  };
  assert.deepEqual(make(), make());
});

Deno.test("createIds() makes tokens that are random UUIDs", () => {
  const ids = createIds(() => 0);
  const tokens = Array.from({ length: 100 }, () => ids.token());
  for (const token of tokens) assert.match(token, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab]/);
  assert.equal(new Set(tokens).size, tokens.length);
});
