import type { PersonJoined, SmsCandidate } from "../../../services/store/port/events.ts";
import type { TextFate } from "../../../services/store/text_age.ts";
import { T0 } from "../../support/drafts.ts";

const text = (index: number, seconds: number): SmsCandidate => ({
  index,
  sentAtMs: T0 + seconds * 1_000,
});
/** How `accept()` of the tests calls the agent `a`. */
const holder = (index: number, seconds: number): PersonJoined => ({
  index,
  agent: HOLDER_NICKNAME,
  atMs: T0 + seconds * 1_000,
});
const other: PersonJoined = { index: 1, agent: "somebody else", atMs: T0 };

export const HOLDER_NICKNAME = "Nick of a";

/** Which texts leave: the pure rule and every engine are tested against this. The mapping was accepted at T0. */
export const TEXT_AGES: readonly (readonly [
  name: string,
  age: {
    readonly toldUpTo: number;
    readonly joined: readonly PersonJoined[];
    readonly texts: readonly SmsCandidate[];
  },
  fates: readonly TextFate[],
])[] = [
  ["that are new by index", {
    toldUpTo: 0,
    joined: [],
    texts: [text(1, -31), text(2, -30), text(3, -1), text(4, 0), text(5, 99)],
  }, ["too-old", "leaves", "leaves", "leaves", "leaves"]],
  ["told of after a later one", {
    toldUpTo: 9,
    joined: [],
    texts: [text(8, -1), text(7, 0), text(10, -1), text(11, -3_600)],
  }, ["stays", "leaves", "leaves", "too-old"]],
  ["that come with the holder's joining", {
    toldUpTo: 0,
    joined: [{ index: 1 }, other, holder(5, -20)],
    texts: [text(2, -3_600), text(3, -21), text(4, 5), text(6, -20), text(7, 0), text(8, -31)],
  }, ["stays", "stays", "stays", "leaves", "leaves", "too-old"]],
  ["that come with other people's joining", {
    toldUpTo: 0,
    joined: [other],
    texts: [text(2, -3_600), text(3, -1), text(4, 0)],
  }, ["stays", "stays", "leaves"]],
  ["that come with joinings of the holder's name from other times", {
    toldUpTo: 0,
    joined: [holder(2, -3_600), holder(4, -1), holder(8, 3_600), {
      index: 9,
      agent: HOLDER_NICKNAME,
    }],
    texts: [text(3, -3_599), text(5, -1), text(7, 60), text(10, 3_601)],
  }, ["stays", "leaves", "leaves", "leaves"]],
];
