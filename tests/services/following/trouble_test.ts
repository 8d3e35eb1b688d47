import assert from "node:assert/strict";
import { describeTrouble } from "../../../services/following/trouble.ts";

const NOBODY = { isShared: false, refused: [], deaf: [] } as const;

for (
  const [what, state, expected] of [
    ["nobody", {}, null],
    ["one who is refused", { refused: ["ann"] }, "refused: ann"],
    [
      "some of either kind",
      { refused: ["ann", "bob"], deaf: ["cy"] },
      "refused: ann, bob; not heard: cy",
    ],
    [
      "more than five",
      { deaf: ["1", "2", "3", "4", "5", "6", "7"] },
      "not heard: 1, 2, 3, 4, 5 and 2 more",
    ],
    ["the one who stands for all", { isShared: true, refused: ["ann"] }, "refused: all agents"],
    ["one with an endless name", { refused: ["x".repeat(512)] }, `refused: ${"x".repeat(64)}…`],
  ] as const
) {
  Deno.test(`readiness tells of ${what}`, () => {
    assert.equal(describeTrouble({ ...NOBODY, ...state }), expected);
  });
}
