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

/** What is told of the session, one notification after the other, and what becomes of the texts of the last one. */
export interface Telling {
  /** The highest index told of before the Accept; 0: none. */
  readonly toldBefore?: number;
  /** Told after the Accept and before the texts. */
  readonly earlier?: {
    readonly joined?: readonly PersonJoined[];
    readonly texts?: readonly SmsCandidate[];
  };
  readonly joined?: readonly PersonJoined[];
  readonly texts: readonly SmsCandidate[];
}

/** Which texts leave: the pure rule and every engine are tested against this. The mapping was accepted at T0. */
export const TEXT_AGES: readonly (readonly [
  name: string,
  telling: Telling,
  fates: readonly TextFate[],
])[] = [
  ["that are new by index", {
    texts: [text(1, -31), text(2, -30), text(3, -1), text(4, 0), text(5, 99)],
  }, ["too-old", "leaves", "leaves", "leaves", "leaves"]],
  ["told of after a later one that was told before the Accept", {
    toldBefore: 9,
    texts: [text(8, -1), text(7, 0), text(10, -1), text(11, -3_600)],
  }, ["stays", "leaves", "leaves", "too-old"]],
  ["told of after a later one of the same mapping", {
    toldBefore: 3,
    earlier: { texts: [text(9, -10)] },
    texts: [text(8, -11), text(7, -31), text(3, -1), text(2, -11)],
  }, ["leaves", "too-old", "stays", "stays"]],
  ["that come with the holder's joining", {
    joined: [{ index: 1 }, other, holder(5, -20)],
    texts: [text(2, -3_600), text(3, -21), text(4, 5), text(6, -20), text(7, 0), text(8, -31)],
  }, ["stays", "stays", "stays", "leaves", "leaves", "too-old"]],
  ["that come after the holder's joining was told, in whatever order", {
    toldBefore: 2,
    earlier: { joined: [holder(5, -20)], texts: [text(9, -18)] },
    texts: [text(4, 5), text(3, -21), text(8, -19), text(7, -31), text(6, 0)],
  }, ["stays", "stays", "leaves", "too-old", "leaves"]],
  ["that come with other people's joining", {
    joined: [other],
    texts: [text(2, -3_600), text(3, -1), text(4, 0)],
  }, ["stays", "stays", "leaves"]],
  ["that come with other people's joining after the holder's", {
    earlier: { joined: [holder(2, -20)] },
    joined: [{ ...other, index: 4 }],
    texts: [text(3, -15), text(5, -14), text(1, 3)],
  }, ["leaves", "leaves", "stays"]],
  ["that come with joinings of the holder's name from other times", {
    joined: [holder(2, -3_600), holder(4, -1), holder(8, 3_600), {
      index: 9,
      agent: HOLDER_NICKNAME,
    }],
    texts: [text(3, -3_599), text(5, -1), text(7, 60), text(10, 3_601)],
  }, ["stays", "leaves", "leaves", "leaves"]],
  ["replayed from the beginning by a clock that is a minute fast", {
    joined: [{ index: 1 }, { ...other, index: 2, atMs: T0 + 20_000 }, holder(4, 61)],
    texts: [text(3, 50), text(5, 62)],
  }, ["stays", "leaves"]],
  ["replayed from the beginning by a clock that is minutes slow", {
    joined: [{ index: 1 }, holder(2, -9_000), { ...other, index: 3 }, holder(5, -180)],
    texts: [text(4, -200), text(6, -179), text(7, -20)],
  }, ["stays", "too-old", "leaves"]],
  ["that come with a joining of the holder's name long after the Accept", {
    earlier: { joined: [holder(2, -1)] },
    joined: [holder(9, 600)],
    texts: [text(8, 590), text(10, 601)],
  }, ["leaves", "leaves"]],
  ["replayed with a joining of the holder's name that others have followed", {
    joined: [{ index: 1 }, holder(2, -9_000), { ...other, index: 5 }],
    texts: [text(3, -8_999), text(6, -1), text(7, 1)],
  }, ["stays", "stays", "leaves"]],
];
