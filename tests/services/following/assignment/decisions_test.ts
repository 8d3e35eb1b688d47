import assert from "node:assert/strict";
import {
  changedAgents,
  FOLLOW_MS,
  isFollowedAlready,
  keepsFollowing,
  nextLookAtMs,
  orphansAmong,
  OWNERLESS_MS,
  PROLONG_MS,
  wantedRecord,
} from "../../../../services/following/assignment/decisions.ts";
import { type Because, NO_MARKS } from "../../../../services/following/assignment/subscription.ts";

const agents = (entries: Readonly<Record<string, Because>>) => new Map(Object.entries(entries));
const changes = (
  { adds = {}, removes = [] }: {
    readonly adds?: Readonly<Record<string, Because>>;
    readonly removes?: readonly string[];
  },
) => ({ adds: agents(adds), removes: new Set(removes) });

for (
  const [what, before, change, after] of [
    ["an agent is added", {}, { adds: { a: "login" } }, { a: "login" }],
    ["login takes the place of accept", { a: "accept" }, { adds: { a: "login" } }, { a: "login" }],
    ["accept does not take that of login", { a: "login" }, { adds: { a: "accept" } }, {
      a: "login",
    }],
    ["an agent is removed", { a: "login", b: "accept" }, { removes: ["a"] }, { b: "accept" }],
    ["a removal wins over an addition", {}, { adds: { a: "login" }, removes: ["a"] }, {}],
  ] as const
) {
  Deno.test(`changedAgents(): ${what}`, () => {
    assert.deepEqual(changedAgents(agents(before), changes(change)), agents(after));
  });
}

Deno.test("wantedRecord() is none when nobody is left", () => {
  const current = { agents: agents({ a: "login" }) };
  assert.equal(wantedRecord(current, changes({ removes: ["a"] }), "one").text, null);
  assert.equal(wantedRecord(null, changes({ removes: ["a"] }), "one").text, null);
});

for (const [instance, lifetimeMs] of [["one", FOLLOW_MS], [null, OWNERLESS_MS]] as const) {
  Deno.test(`wantedRecord() lives ${lifetimeMs} ms where ${instance ?? "no instance"} follows`, () => {
    const wanted = wantedRecord(null, changes({ adds: { a: "login" } }), instance);
    assert.equal(wanted.lifetimeMs, lifetimeMs);
    assert.deepEqual(JSON.parse(wanted.text ?? ""), { instance, agents: [["a", "login"]] });
  });
}

for (
  const [what, known, asked, expected] of [
    ["for the same reason", "accept", { because: "accept" }, true],
    ["for the stronger reason", "login", { because: "accept" }, true],
    ["for the weaker reason only", "accept", { because: "login" }, false],
    ["but upstream has just let the agent in", "login", { isNews: true }, false],
    ["but nobody follows by now", "login", { isFollowed: false }, false],
    ["but the record is getting old", "login", { ageMs: PROLONG_MS }, false],
  ] as const
) {
  Deno.test(`isFollowedAlready() where the agent is known ${what}: ${expected}`, () => {
    const settings = { because: "login", isNews: false, isFollowed: true, ageMs: 0, ...asked };
    const { because, isNews, isFollowed, ageMs } = settings;
    const user = { agents: agents({ a: known }), isFollowed, writtenAtMs: 1_000 };
    const nowMs = 1_000 + ageMs;
    const how = { because: because === "login" ? "login" : "accept", isNews, nowMs } as const;
    assert.equal(isFollowedAlready(user, "a", how), expected);
    assert.equal(isFollowedAlready(user, "b", how), false);
  });
}

for (
  const [instance, isOrphan] of [
    [null, true],
    ["gone", true],
    ["other", false],
    ["own", true],
  ] as const
) {
  Deno.test(`a subscription of ${instance ?? "no instance"} ${isOrphan ? "is" : "is not"} an orphan for an instance that does not know of it`, () => {
    const subscription = {
      key: "agent:a",
      instance,
      agents: agents({ a: "login" }),
      ...NO_MARKS,
      text: "",
    };
    const living = [{ id: "other", untilMs: 1 }, { id: "own", untilMs: 1 }];
    assert.deepEqual(orphansAmong([subscription], living, "own"), isOrphan ? [subscription] : []);
  });
}

for (
  const [what, endsInMs, expectedInMs] of [
    ["alone", [], 25_000],
    ["at the end of another's lease", [7_000, 12_000], 7_000],
    ["not at once, where that end has passed", [-5_000], 1_000],
    ["no later than alone", [90_000], 25_000],
  ] as const
) {
  Deno.test(`the next look for orphans is due: ${what}`, () => {
    const others = endsInMs.map((inMs) => ({ id: "x", untilMs: 1_000_000 + inMs }));
    assert.equal(nextLookAtMs(1_000_000, others, () => 0), 1_000_000 + expectedInMs);
  });
}

for (
  const [isRefused, isAlive, hasNews, canServe, expected] of [
    [false, true, true, true, true],
    [false, false, false, true, false],
    [true, true, false, true, true],
    [true, true, true, false, true],
    [true, true, true, true, false],
  ] as const
) {
  Deno.test(`an instance that is ${isAlive ? "alive" : "gone"} and ${isRefused ? "refused" : "heard"} ${expected ? "goes on" : "is followed by one"} that has ${hasNews ? "" : "no "}news and can${canServe ? "" : "not"} serve`, () => {
    assert.equal(keepsFollowing({ isRefused }, { isAlive, hasNews, canServe }), expected);
  });
}
