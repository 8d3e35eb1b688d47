import type { SessionEffect } from "../../../services/store/port/sessions.ts";
import type {
  Agent,
  Agents,
  confirm,
  Decision,
  Kept,
  Mapping,
} from "../../../services/store/session_rules.ts";

// What the rules of a session say, case by case: of the rules themselves, and of every engine (contract/session_rules.ts).

/** When a case is asked. */
export const NOW = 1_000;
const LATER = 2_000;

/** An agent of that name; `standsIn`: for the holder whose Transfer's seat ends {@link LATER}. */
const agent = (agentId: string, standsIn = false): Agent => ({
  agentId,
  nickname: `Nick of ${agentId}`,
  ...(standsIn && { standsInUntil: LATER }),
});
const mapped = (seatUntilMs: number, ...agents: [Agent, ...Agent[]]): Mapping => ({
  agents,
  seatUntilMs,
});
const [a, b, c, d] = [agent("a"), agent("b"), agent("c"), agent("d")];
const standIn = agent("b", true);

const FREE: Kept = { mapping: null, claim: null };
const claimedBy = (agentId: string, untilMs = LATER) => ({ agentId, untilMs });

export const CLAIMS: readonly [says: string, kept: Kept, agentId: string, as: string][] = [
  ["a free session", FREE, "a", "holder"],
  ["one that the agent is claiming already", { ...FREE, claim: claimedBy("a") }, "a", "holder"],
  ["one that another is claiming", { ...FREE, claim: claimedBy("b") }, "a", "held"],
  ["one that another was claiming", { ...FREE, claim: claimedBy("b", NOW) }, "a", "holder"],
  ["the agent's own", { mapping: mapped(0, a), claim: null }, "a", "own"],
  ["one in which the agent is", { mapping: mapped(LATER, a, b), claim: null }, "b", "own"],
  ["another's", { mapping: mapped(0, a), claim: null }, "b", "held"],
  ["another's with a seat", { mapping: mapped(LATER, a), claim: null }, "b", "participant"],
  ["another's with a seat that has closed", { mapping: mapped(NOW, a), claim: null }, "b", "held"],
  [
    "a seat that another is taking",
    { mapping: mapped(LATER, a), claim: claimedBy("c") },
    "b",
    "held",
  ],
  ["a holder's place", { mapping: mapped(LATER, standIn, c), claim: null }, "d", "holder"],
  [
    "a seat that an Invite has opened since a Transfer",
    { mapping: mapped(LATER + 1, standIn, c), claim: null },
    "d",
    "participant",
  ],
  [
    "a holder's place after its time",
    { mapping: mapped(NOW, agent("b"), c), claim: null },
    "d",
    "held",
  ],
];

type Confirmed = ReturnType<typeof confirm>;
const begins = (asHeard: boolean): Confirmed => ({
  outcome: "confirmed",
  mapping: { to: "begin", mapping: mapped(0, d), asHeard },
  tells: true,
});
const joins = (acceptedAnew: boolean, ...agents: Agents): Confirmed => ({
  outcome: "confirmed",
  mapping: { to: "change", mapping: mapped(0, ...agents), acceptedAnew },
  claim: "drop",
  tells: true,
});

const own = claimedBy("d");
/** Who confirms. */
export const NEWCOMER = d;

/** What the newcomer is told, who claimed the session as this. */
export const CONFIRMATIONS: readonly [
  says: string,
  kept: Kept,
  as: "holder" | "participant",
  expected: Confirmed,
][] = [
  ["a claim", { ...FREE, claim: own }, "holder", { ...begins(true), claim: "drop" }],
  [
    "a claim that has lapsed",
    { ...FREE, claim: claimedBy("d", NOW) },
    "holder",
    { ...begins(false), claim: "drop" },
  ],
  ["a claim that is gone", FREE, "holder", begins(false)],
  ["another's lapsed one", { ...FREE, claim: claimedBy("a", NOW) }, "holder", begins(false)],
  ["another's", { ...FREE, claim: claimedBy("a") }, "holder", { outcome: "lost" }],
  [
    "a claim of a session that another holds now",
    { mapping: mapped(0, a), claim: null },
    "holder",
    { outcome: "lost" },
  ],
  [
    "an Accept that was confirmed before",
    { mapping: mapped(0, a, d), claim: null },
    "participant",
    { outcome: "already" },
  ],
  [
    "one that was, with a claim left over",
    { mapping: mapped(LATER, a, d), claim: own },
    "holder",
    { outcome: "already", claim: "drop" },
  ],
  ["a seat", { mapping: mapped(LATER, a, b), claim: own }, "participant", joins(false, a, b, d)],
  [
    "a seat that has closed meanwhile",
    { mapping: mapped(NOW, a), claim: own },
    "participant",
    joins(false, a, d),
  ],
  [
    "a seat of a session that is over",
    { ...FREE, claim: own },
    "participant",
    { outcome: "lost" },
  ],
  [
    "a holder's place",
    { mapping: mapped(LATER, standIn, c), claim: own },
    "holder",
    joins(true, d, b, c),
  ],
  [
    "a holder's place that was declined",
    { mapping: mapped(0, standIn, c), claim: own },
    "holder",
    { outcome: "lost" },
  ],
];

type Applied = Decision<"applied" | "nothing">;
const NOTHING: Applied = { outcome: "nothing" };
const ENDED: Applied = { outcome: "applied", mapping: { to: "end" }, tells: true };
const becomes = (mapping: Mapping): Applied => ({
  outcome: "applied",
  mapping: { to: "change", mapping, acceptedAnew: false },
});
const openSeat: SessionEffect = { kind: "open-seat", untilMs: LATER };
const handOver: SessionEffect = { kind: "hand-over", untilMs: LATER };
const join: SessionEffect = { kind: "join", nickname: "Nick of d" };

export const EFFECTS: readonly (readonly [
  says: string,
  mapping: Mapping | null,
  agentId: string,
  effect: SessionEffect,
  expected: Applied,
])[] = [
  ["opens a seat", mapped(0, a), "a", openSeat, becomes(mapped(LATER, a))],
  ["opens a seat as a participant", mapped(0, a, b), "b", openSeat, becomes(mapped(LATER, a, b))],
  ["ends it as a participant", mapped(0, a, b), "b", { kind: "end" }, ENDED],
  ["leaves alone", mapped(LATER, a), "a", { kind: "leave" }, ENDED],
  [
    "leaves as a participant",
    mapped(0, a, b, c),
    "b",
    { kind: "leave" },
    becomes(mapped(0, a, c)),
  ],
  ["leaves as the holder", mapped(0, a, b, c), "a", { kind: "leave" }, becomes(mapped(0, b, c))],
  [
    "leaves while it stands in, and the place is gone with it",
    mapped(LATER, standIn, c),
    "b",
    { kind: "leave" },
    becomes(mapped(LATER, c)),
  ],
  ["hands over alone", mapped(0, a), "a", handOver, ENDED],
  [
    "hands over as the holder",
    mapped(0, a, b, c),
    "a",
    handOver,
    becomes(mapped(LATER, standIn, c)),
  ],
  [
    "hands over as a participant",
    mapped(0, a, b, c),
    "b",
    handOver,
    becomes(mapped(LATER, a, c)),
  ],
  ["joins", mapped(LATER, a), "d", join, { ...becomes(mapped(LATER, a, d)), tells: true }],
  ["joins again", mapped(0, a, d), "d", join, NOTHING],
  ["declines", mapped(LATER, a), "d", { kind: "decline" }, becomes(mapped(0, a))],
  ["declines too late", mapped(NOW, a), "d", { kind: "decline" }, NOTHING],
  ["declines its own", mapped(LATER, a), "a", { kind: "decline" }, NOTHING],
  ...([openSeat, { kind: "end" }, { kind: "leave" }, handOver] as const).map((effect) =>
    [`does ${effect.kind} from outside`, mapped(LATER, a), "d", effect, NOTHING] as const
  ),
  ...([openSeat, { kind: "end" }, handOver, join, { kind: "decline" }] as const).map((effect) =>
    [`does ${effect.kind} where nobody is mapped`, null, "d", effect, NOTHING] as const
  ),
];
