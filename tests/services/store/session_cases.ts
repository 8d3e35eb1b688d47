import type { SessionEffect } from "../../../services/store/port/sessions.ts";
import type { confirm } from "../../../services/store/session_rules/claims.ts";
import type { Ending } from "../../../services/store/session_rules/endings.ts";
import {
  type Agent,
  type Agents,
  type Claim,
  type ClaimChange,
  type Decision,
  type Kept,
  type Mapping,
  STRAY_ENDING_MS,
} from "../../../services/store/session_rules/kept.ts";
import { SEATS_KEPT } from "../../../services/store/session_rules/seats.ts";

// What the rules of a session say, case by case: of the rules themselves, and of every engine (contract/session_rules.ts).

/** When a case is asked. */
export const NOW = 1_000;
/** When everything happened that a case begins with. */
export const BEFORE = NOW - 10;
const [SOON, LATER] = [1_500, 2_000];

/** An agent of that name; `standsIn`: for the holder whose Transfer's seat ends {@link LATER}. */
const agent = (agentId: string, standsIn = false): Agent => ({
  agentId,
  nickname: `Nick of ${agentId}`,
  ...(standsIn && { standsInUntil: LATER }),
});
/** A mapping with these seats, each by its end. */
const mapped = (seats: number | readonly number[], ...agents: [Agent, ...Agent[]]): Mapping => ({
  agents,
  seats: [seats].flat(),
  acceptedAtMs: BEFORE,
  strayUntilMs: 0,
});
/** The same once somebody has left or declined. */
const afterDeparture = (mapping: Mapping): Mapping => ({
  ...mapping,
  strayUntilMs: NOW + STRAY_ENDING_MS,
});
const NO_SEAT: readonly number[] = [];
const [a, b, c, d] = [agent("a"), agent("b"), agent("c"), agent("d")];
const standIn = agent("b", true);

/** A session that nobody has. */
const FREE: Kept = { mapping: null, claims: [] };
const claimedBy = (agentId: string, seatUntilMs: number | null = null): Claim => ({
  agentId,
  untilMs: LATER,
  doubtFromMs: LATER,
  seatUntilMs,
  fromMs: BEFORE,
  hasHeard: false,
});
const lapsedOf = (agentId: string): Claim => ({ ...claimedBy(agentId), untilMs: NOW });
/** The same, but the answer to its Accept got lost. */
const doubtedOf = (agentId: string, seatUntilMs: number | null = null): Claim => ({
  ...claimedBy(agentId, seatUntilMs),
  doubtFromMs: NOW,
});

export const CLAIMS: readonly [says: string, kept: Kept, agentId: string, as: string][] = [
  ["a free session", FREE, "a", "holder"],
  ["one that the agent is claiming already", { ...FREE, claims: [claimedBy("a")] }, "a", "holder"],
  ["one that another is claiming", { ...FREE, claims: [claimedBy("b")] }, "a", "held"],
  ["one that another was claiming", { ...FREE, claims: [lapsedOf("b")] }, "a", "holder"],
  ["the agent's own", { mapping: mapped(NO_SEAT, a), claims: [] }, "a", "own"],
  ["one in which the agent is", { mapping: mapped(LATER, a, b), claims: [] }, "b", "own"],
  ["another's", { mapping: mapped(NO_SEAT, a), claims: [] }, "b", "held"],
  ["another's with a seat", { mapping: mapped(LATER, a), claims: [] }, "b", "participant"],
  ["another's with a seat that has closed", { mapping: mapped(NOW, a), claims: [] }, "b", "held"],
  [
    "a seat that another is taking",
    { mapping: mapped(LATER, a), claims: [claimedBy("c", LATER)] },
    "b",
    "held",
  ],
  [
    "a seat that another may have taken, whose answer got lost",
    { mapping: mapped(LATER, a), claims: [doubtedOf("c", LATER)] },
    "b",
    "participant",
  ],
  [
    "a second seat while another is taking the first",
    { mapping: mapped([SOON, LATER], a), claims: [claimedBy("c", SOON)] },
    "b",
    "participant",
  ],
  [
    "a second seat that has closed while another is taking the first",
    { mapping: mapped([NOW, LATER], a), claims: [claimedBy("c", NOW)] },
    "b",
    "participant",
  ],
  [
    "a third seat where there are two",
    { mapping: mapped([SOON, LATER], a), claims: [claimedBy("c", SOON), claimedBy("d", LATER)] },
    "b",
    "held",
  ],
  [
    "again the seat that it may have got before another took it",
    { mapping: mapped(NO_SEAT, a, c), claims: [doubtedOf("b", LATER)] },
    "b",
    "participant",
  ],
  [
    "a free session where another's Accept of an earlier seat got lost",
    { mapping: null, claims: [doubtedOf("c", LATER)] },
    "b",
    "holder",
  ],
  [
    "a free session where another's Accept of an earlier seat is under way",
    { mapping: null, claims: [claimedBy("c", LATER)] },
    "b",
    "held",
  ],
  [
    "a free session where another's Accept got lost",
    { mapping: null, claims: [doubtedOf("c")] },
    "b",
    "held",
  ],
  [
    "a free session again, where another's Accept of an earlier seat is under way, too",
    { mapping: null, claims: [claimedBy("b", LATER), claimedBy("c", SOON)] },
    "b",
    "holder",
  ],
  ["a holder's place", { mapping: mapped(LATER, standIn, c), claims: [] }, "d", "holder"],
  [
    "a holder's place beside the seat of an earlier Invite",
    { mapping: mapped([SOON, LATER], standIn, c), claims: [] },
    "d",
    "holder",
  ],
  [
    "a seat while another is taking the holder's place",
    { mapping: mapped([SOON, LATER], standIn, c), claims: [claimedBy("e", LATER)] },
    "d",
    "participant",
  ],
  [
    "a seat where the holder's place was declined",
    { mapping: mapped(LATER + 1, standIn, c), claims: [] },
    "d",
    "participant",
  ],
  [
    "a holder's place after its time",
    { mapping: mapped(NOW, agent("b"), c), claims: [] },
    "d",
    "held",
  ],
];

type Confirmed = ReturnType<typeof confirm>;
const begins = (asHeard: boolean): Confirmed => ({
  outcome: "confirmed",
  mapping: { to: "begin", mapping: { ...mapped(NO_SEAT, d), acceptedAtMs: NOW }, asHeard },
  tells: true,
});
const OWN_OVER: { readonly claims: ClaimChange } = { claims: { to: "drop-own" } };
const becomesJoined = (mapping: Mapping): Confirmed => ({
  outcome: "confirmed",
  mapping: { to: "change", mapping },
  tells: true,
});
const joins = (mapping: Mapping): Confirmed => ({ ...becomesJoined(mapping), ...OWN_OVER });

const own = claimedBy("d");
const ownSeat = claimedBy("d", LATER);
/** Who confirms. */
export const NEWCOMER = d;

/** What the newcomer is told, who claimed the session as this. */
export const CONFIRMATIONS: readonly [
  says: string,
  kept: Kept,
  as: "holder" | "participant",
  expected: Confirmed,
][] = [
  ["a claim", { ...FREE, claims: [own] }, "holder", { ...begins(true), ...OWN_OVER }],
  ["a claim in doubt", { ...FREE, claims: [doubtedOf("d")] }, "holder", {
    ...begins(true),
    ...OWN_OVER,
  }],
  ["a claim that has lapsed", { ...FREE, claims: [lapsedOf("d")] }, "holder", begins(false)],
  ["a claim that is gone", FREE, "holder", begins(false)],
  ["another's lapsed one", { ...FREE, claims: [lapsedOf("a")] }, "holder", begins(false)],
  ["another's", { ...FREE, claims: [claimedBy("a")] }, "holder", { outcome: "lost" }],
  [
    "a claim of a session that another holds now",
    { mapping: mapped(NO_SEAT, a), claims: [] },
    "holder",
    { outcome: "lost" },
  ],
  [
    "an Accept that was confirmed before",
    { mapping: mapped(NO_SEAT, a, d), claims: [] },
    "participant",
    { outcome: "already" },
  ],
  [
    "one that was, with a claim left over",
    { mapping: mapped(LATER, a, d), claims: [ownSeat] },
    "holder",
    { outcome: "already", ...OWN_OVER },
  ],
  [
    "a seat",
    { mapping: mapped(LATER, a, b), claims: [ownSeat] },
    "participant",
    joins(mapped(NO_SEAT, a, b, d)),
  ],
  [
    "a seat beside another that stays open",
    { mapping: mapped([SOON, LATER], a), claims: [claimedBy("d", SOON)] },
    "participant",
    joins(mapped(LATER, a, d)),
  ],
  [
    "a seat beside others' claims",
    { mapping: mapped([SOON, LATER], a), claims: [claimedBy("c", SOON), ownSeat] },
    "participant",
    joins(mapped(SOON, a, d)),
  ],
  [
    "a seat that has closed meanwhile, beside one that is open for somebody else",
    { mapping: mapped([NOW, LATER], a), claims: [claimedBy("d", NOW)] },
    "participant",
    joins(mapped(LATER, a, d)),
  ],
  [
    "a seat that another has taken while the answer was in doubt",
    { mapping: mapped(NO_SEAT, a, b), claims: [doubtedOf("d", LATER)] },
    "participant",
    joins(mapped(NO_SEAT, a, b, d)),
  ],
  [
    "a seat whose claim is gone",
    { mapping: mapped([NOW, SOON, LATER], a), claims: [] },
    "participant",
    becomesJoined(mapped([NOW, LATER], a, d)),
  ],
  [
    "a seat whose claim is gone, beside a holder's place",
    { mapping: mapped(LATER, standIn, c), claims: [] },
    "participant",
    becomesJoined(mapped(LATER, standIn, c, d)),
  ],
  [
    "a seat of a session that is over",
    { ...FREE, claims: [ownSeat] },
    "participant",
    { outcome: "lost" },
  ],
  [
    "a holder's place",
    { mapping: mapped([SOON, LATER], standIn, c), claims: [ownSeat] },
    "holder",
    joins({ ...mapped(SOON, d, b, c), acceptedAtMs: NOW }),
  ],
  [
    "a holder's place that was declined",
    { mapping: mapped(NO_SEAT, standIn, c), claims: [ownSeat] },
    "holder",
    { outcome: "lost" },
  ],
];

type Applied = Decision<"applied" | "nothing">;
const NOTHING: Applied = { outcome: "nothing" };
const ENDED: Applied = { outcome: "applied", mapping: { to: "end" }, tells: true };
const ALL_OVER: { readonly claims: ClaimChange } = { claims: { to: "drop-all" } };
const becomes = (mapping: Mapping): Applied => ({
  outcome: "applied",
  mapping: { to: "change", mapping },
});
const openSeat: SessionEffect = { kind: "open-seat", untilMs: LATER };
const handOver: SessionEffect = { kind: "hand-over", untilMs: LATER };
/** Of the seat that {@link standIn} keeps. */
const maybeGone: SessionEffect = { kind: "maybe-gone", untilMs: LATER };
const release = (acceptedByMs: number): SessionEffect => ({ kind: "release", acceptedByMs });
const releaseAnyway: SessionEffect = { kind: "release" };
const join: SessionEffect = { kind: "join", nickname: "Nick of d" };

export const EFFECTS: readonly (readonly [
  says: string,
  mapping: Mapping | null,
  agentId: string,
  effect: SessionEffect,
  expected: Applied,
  claims?: readonly Claim[],
])[] = [
  [
    "holds it and may have gone",
    mapped(SOON, b, c),
    "b",
    maybeGone,
    becomes(mapped([SOON, LATER], standIn, c)),
  ],
  [
    "may have gone, for the second time",
    mapped(LATER, standIn, c),
    "b",
    maybeGone,
    { outcome: "nothing" },
  ],
  [
    "is a participant and may have gone",
    mapped(NO_SEAT, a, b),
    "b",
    maybeGone,
    becomes(mapped(LATER, a, b)),
  ],
  ["is none of it and may have gone", mapped(NO_SEAT, a), "b", maybeGone, { outcome: "nothing" }],
  [
    "leaves while it stands in, and the place is the next one's to keep",
    mapped(LATER, standIn, c),
    "b",
    { kind: "leave" },
    becomes(afterDeparture(mapped(LATER, { ...c, standsInUntil: LATER }))),
  ],
  [
    "opens a second seat",
    mapped([NOW, SOON], a),
    "a",
    openSeat,
    becomes(mapped([SOON, LATER], a)),
  ],
  [
    "opens a seat that ends with another",
    mapped(LATER, a),
    "a",
    openSeat,
    becomes(mapped([LATER, LATER], a)),
  ],
  [
    "opens one of too many seats",
    mapped(Array.from({ length: SEATS_KEPT }, (_, at) => SOON + at), a),
    "a",
    openSeat,
    becomes(
      mapped([...Array.from({ length: SEATS_KEPT - 1 }, (_, at) => SOON + 1 + at), LATER], a),
    ),
  ],
  ["opens a seat", mapped(NO_SEAT, a), "a", openSeat, becomes(mapped(LATER, a))],
  [
    "opens a seat as a participant",
    mapped(NO_SEAT, a, b),
    "b",
    openSeat,
    becomes(mapped(LATER, a, b)),
  ],
  ["ends it as a participant", mapped(NO_SEAT, a, b), "b", { kind: "end" }, ENDED],
  ["leaves alone", mapped(LATER, a), "a", { kind: "leave" }, ENDED],
  [
    "leaves as a participant",
    mapped(NO_SEAT, a, b, c),
    "b",
    { kind: "leave" },
    becomes(afterDeparture(mapped(NO_SEAT, a, c))),
  ],
  [
    "leaves as the holder",
    mapped(NO_SEAT, a, b, c),
    "a",
    { kind: "leave" },
    becomes(afterDeparture(mapped(NO_SEAT, b, c))),
  ],
  ["hands over alone", mapped(NO_SEAT, a), "a", handOver, ENDED],
  [
    "hands over as the holder",
    mapped(NO_SEAT, a, b, c),
    "a",
    handOver,
    becomes(afterDeparture(mapped(LATER, standIn, c))),
  ],
  [
    "hands over as a participant",
    mapped(NO_SEAT, a, b, c),
    "b",
    handOver,
    becomes(afterDeparture(mapped(LATER, a, c))),
  ],
  ["joins", mapped(LATER, a), "d", join, { ...becomes(mapped(LATER, a, d)), tells: true }],
  ["joins again", mapped(NO_SEAT, a, d), "d", join, NOTHING],
  [
    "declines",
    mapped(LATER, a),
    "d",
    { kind: "decline" },
    becomes(afterDeparture(mapped(NO_SEAT, a))),
  ],
  [
    "declines one of two seats",
    mapped([SOON, LATER], a),
    "d",
    { kind: "decline" },
    becomes(afterDeparture(mapped(LATER, a))),
  ],
  [
    "declines the seat that it claims",
    mapped([SOON, LATER], a),
    "d",
    { kind: "decline" },
    { ...becomes(afterDeparture(mapped(SOON, a))), ...OWN_OVER },
    [claimedBy("c", SOON), ownSeat],
  ],
  [
    "hands over beside an open seat",
    mapped(SOON, a, b, c),
    "a",
    handOver,
    becomes(afterDeparture(mapped([SOON, LATER], standIn, c))),
  ],
  ["releases another's", mapped(LATER, a, b), "boss", release(BEFORE), { ...ENDED, ...ALL_OVER }],
  ["releases at all events", mapped(NO_SEAT, a), "boss", releaseAnyway, {
    ...ENDED,
    ...ALL_OVER,
  }],
  ["releases its own", mapped(NO_SEAT, a), "a", release(NOW), { ...ENDED, ...ALL_OVER }],
  [
    "releases one that was accepted since",
    mapped(NO_SEAT, a),
    "boss",
    release(BEFORE - 1),
    NOTHING,
  ],
  ["releases where nobody is mapped", null, "boss", release(NOW), NOTHING],
  [
    "releases what is merely claimed",
    null,
    "boss",
    release(NOW),
    { outcome: "applied", ...ALL_OVER },
    [claimedBy("d")],
  ],
  [
    "releases what was merely claimed",
    null,
    "boss",
    release(NOW),
    NOTHING,
    [lapsedOf("d")],
  ],
  ["declines too late", mapped(NOW, a), "d", { kind: "decline" }, NOTHING],
  ["declines its own", mapped(LATER, a), "a", { kind: "decline" }, NOTHING],
  ...([openSeat, { kind: "end" }, { kind: "leave" }, handOver] as const).map((effect) =>
    [`does ${effect.kind} from outside`, mapped(LATER, a), "d", effect, NOTHING] as const
  ),
  ...([openSeat, { kind: "end" }, handOver, join, { kind: "decline" }] as const).map((effect) =>
    [`does ${effect.kind} where nobody is mapped`, null, "d", effect, NOTHING] as const
  ),
];

/** What else is so where a terminal state is told. */
export interface EndingCase {
  readonly says: string;
  readonly kept: Kept;
  /** The state of the mapping, or of every claim, was told since. */
  readonly hasHeard?: true;
  /** An operation has just ended an earlier mapping. */
  readonly isOwed?: true;
  /** An agent has just left. */
  readonly isLeft?: true;
  readonly ending: Partial<Ending>;
  readonly expected: Decision<"departed" | "nothing">;
}

const IN_VAIN: Decision<"nothing"> = { outcome: "nothing" };
const DEPARTED: Decision<"departed"> = { outcome: "departed", mapping: { to: "end" }, tells: true };
const OVER: Decision<"departed"> = { ...DEPARTED, ...ALL_OVER };
const alone: Kept = { mapping: mapped(NO_SEAT, a), claims: [] };
const together: Kept = { mapping: mapped(NO_SEAT, a, b), claims: [] };
const inviting: Kept = { mapping: mapped(LATER, a), claims: [] };
const left = (...agents: Agents): Decision<"departed"> => ({
  outcome: "departed",
  mapping: { to: "change", mapping: afterDeparture(mapped(NO_SEAT, ...agents)) },
});

export const ENDINGS: readonly EndingCase[] = [
  { says: "one agent's", kept: alone, ending: {}, expected: OVER },
  ...(["agents", "others"] as const).map((stillIn) => (
    { says: `one agent's, with ${stillIn} in it`, kept: alone, ending: { stillIn }, expected: OVER }
  )),
  {
    says: "one agent's, with claims",
    kept: { mapping: mapped(NOW, a), claims: [claimedBy("d", NOW)] },
    ending: {},
    expected: OVER,
  },
  { says: "one told again", kept: alone, ending: { isRepeat: true }, expected: IN_VAIN },
  {
    says: "one that was told before the Accept",
    kept: alone,
    ending: { heardAtMs: BEFORE - 1 },
    expected: IN_VAIN,
  },
  { says: "several agents'", kept: together, ending: {}, expected: IN_VAIN },
  {
    says: "several agents', of whom some are in it",
    kept: together,
    ending: { stillIn: "agents" },
    expected: IN_VAIN,
  },
  {
    says: "several agents', with only others in it",
    kept: together,
    ending: { stillIn: "others" },
    expected: OVER,
  },
  ...(["untold", "agents"] as const).flatMap((stillIn) => [
    {
      says: `one to which somebody is invited, with ${stillIn} in it`,
      kept: inviting,
      ending: { stillIn },
      expected: IN_VAIN,
    },
    {
      says: `one that somebody has just left, with ${stillIn} in it`,
      kept: alone,
      isLeft: true,
      ending: { stillIn },
      expected: IN_VAIN,
    } as const,
  ]),
  {
    says: "one that somebody has just left, with only others in it",
    kept: alone,
    isLeft: true,
    ending: { stillIn: "others" },
    expected: OVER,
  },
  {
    says: "one whose seat has closed",
    kept: { mapping: mapped(NOW, a), claims: [] },
    ending: {},
    expected: OVER,
  },
  {
    says: "one that follows another that was just completed",
    kept: alone,
    isOwed: true,
    ending: { stillIn: "others" },
    expected: IN_VAIN,
  },
  {
    says: "one that follows another, whose state was told since",
    kept: alone,
    isOwed: true,
    hasHeard: true,
    ending: {},
    expected: OVER,
  },
  { says: "nobody's", kept: FREE, ending: {}, expected: IN_VAIN },
  {
    says: "a claimed one",
    kept: { ...FREE, claims: [doubtedOf("d")] },
    ending: {},
    expected: { ...IN_VAIN, ...ALL_OVER },
  },
  {
    says: "a claimed one, that somebody is in",
    kept: { ...FREE, claims: [own] },
    ending: { stillIn: "agents" },
    expected: IN_VAIN,
  },
  {
    says: "one that was told before the claim",
    kept: { ...FREE, claims: [own] },
    ending: { heardAtMs: BEFORE - 1 },
    expected: IN_VAIN,
  },
  {
    says: "a claimed one that follows another that was just completed",
    kept: { ...FREE, claims: [own] },
    isOwed: true,
    ending: {},
    expected: IN_VAIN,
  },
  {
    says: "a claimed one that follows another, whose state was told since",
    kept: { ...FREE, claims: [own] },
    isOwed: true,
    hasHeard: true,
    ending: {},
    expected: { ...IN_VAIN, ...ALL_OVER },
  },
  { says: "the holder's", kept: alone, ending: { agentId: "a" }, expected: DEPARTED },
  {
    says: "the holder's, told again",
    kept: alone,
    ending: { agentId: "a", isRepeat: true },
    expected: DEPARTED,
  },
  {
    says: "the holder's, told before the Accept",
    kept: alone,
    ending: { agentId: "a", heardAtMs: BEFORE - 1 },
    expected: IN_VAIN,
  },
  {
    says: "the holder's of several",
    kept: together,
    ending: { agentId: "a" },
    expected: left(b),
  },
  {
    says: "a participant's",
    kept: together,
    ending: { agentId: "b" },
    expected: left(a),
  },
  { says: "an outsider's", kept: alone, ending: { agentId: "d" }, expected: IN_VAIN },
  {
    says: "an outsider's, who claims a seat",
    kept: { ...inviting, claims: [ownSeat] },
    ending: { agentId: "d" },
    expected: { ...IN_VAIN, ...OWN_OVER },
  },
  {
    says: "that of who claims it",
    kept: { ...FREE, claims: [own] },
    ending: { agentId: "d" },
    expected: { ...IN_VAIN, ...OWN_OVER },
  },
  {
    says: "that of who claimed it since",
    kept: { ...FREE, claims: [own] },
    ending: { agentId: "d", heardAtMs: BEFORE - 1 },
    expected: IN_VAIN,
  },
];
