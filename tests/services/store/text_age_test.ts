import assert from "node:assert/strict";
import { ownJoining, textFate } from "../../../services/store/text_age.ts";
import { T0 } from "../../support/drafts.ts";
import { HOLDER_NICKNAME, TEXT_AGES } from "./text_ages.ts";

for (const [name, { toldBefore = 0, earlier, joined = [], texts }, fates] of TEXT_AGES) {
  Deno.test(`textFate() of texts ${name}: ${fates.join()}`, () => {
    const begun = {
      holderNickname: HOLDER_NICKNAME,
      acceptedUpstreamMs: T0,
      toldUpTo: toldBefore,
      joinedAt: null,
    };
    const mapping = { ...begun, joinedAt: ownJoining(earlier?.joined ?? [], begun) };
    const age = { mapping, late: [], joined };
    assert.deepEqual(texts.map((text) => textFate(text, age)), fates);
  });
}

Deno.test("textFate() lets leave what was said in a mapping that was released lately, and nothing else where nobody holds the session", () => {
  const late = [{ fromMs: T0, toMs: T0 + 10 }];
  const age = { mapping: null, late, joined: [] };
  const fates = [-1, 0, 10, 11].map((ms) => textFate({ index: 1, sentAtMs: T0 + ms }, age));
  assert.deepEqual(fates, ["stays", "leaves", "leaves", "stays"]);
});
