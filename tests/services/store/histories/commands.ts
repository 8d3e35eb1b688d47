import fc from "fast-check";
import type { DeliveryStatus, Settlement } from "../../../../services/store/port/deliveries.ts";
import type { StillIn } from "../../../../services/store/port/events.ts";
import type { RecordKind } from "../../../../services/store/port/records.ts";
import type { SessionEffect } from "../../../../services/store/port/sessions.ts";

/** How a draft of a random history looks; `again` publishes an id that was used before. */
export interface DraftPlan {
  readonly session: string | null;
  readonly type: string;
  readonly messages: readonly number[] | null;
  readonly stateHash: string | null;
  readonly state: string | null;
  readonly phone: string | null;
  readonly heardBy: string | null;
  /** A terminal state: who is still in it, and how long ago it was heard. */
  readonly ending: { readonly stillIn: StillIn; readonly agoMs: number } | null;
  readonly webhooks: readonly WebhookPlan[];
  readonly texts: boolean;
  readonly guard: { readonly expected: string | null; readonly text: string } | null;
  readonly again: boolean;
}

interface WebhookPlan {
  readonly id: string;
  readonly agents: readonly string[] | null;
  readonly ordered: boolean;
  readonly held: boolean;
}

/** One step of a random history. Numbers called `nth` pick from what the history has made so far, modulo. */
export type Command =
  | { do: "wait"; ms: number }
  | { do: "claimSession"; session: string; agent: string; token: string }
  | { do: "confirmSession"; session: string; agent: string; as: "holder" | "participant" }
  | { do: "releaseClaim"; session: string; token: string; forAll: boolean }
  | { do: "doubtClaim"; session: string; token: string }
  | { do: "applyEffect"; session: string; agent: string; effect: EffectPlan }
  | { do: "readSession"; session: string; slide: string | null }
  | { do: "listSessions"; agent: string | null }
  | { do: "setCustomer"; session: string; phone: string; sender: string | null }
  | { do: "firstUnseenMessage" }
  | { do: "publish"; drafts: readonly DraftPlan[]; stale: boolean }
  | { do: "claimDeliveries"; capacity: number; sweep: boolean }
  | { do: "settle"; nth: number; next: NextPlan; health: Settlement["health"]; draft: boolean }
  | { do: "retryDelivery"; nth: number }
  | { do: "noteProgress"; nth: number; progress: string }
  | { do: "resolveDelivery"; nth: number; to: "delivered" | "dead" | "due" }
  | { do: "holdDeliveries"; sink: string; limit: number }
  | { do: "requeueDeliveries"; sink: string; statuses: readonly DeliveryStatus[] }
  | { do: "countDeliveries"; sink: string; statuses: readonly DeliveryStatus[] }
  | { do: "readDelivery"; nth: number }
  | { do: "listEvents"; session: string | null; type: string | null }
  | { do: "listDeliveries"; sink: string | null; status: DeliveryStatus | null }
  | { do: "expungeSession"; session: string }
  | { do: "putWebhook"; id: string; json: string; conditional: boolean }
  | { do: "deleteWebhook"; id: string }
  | { do: "readRecord"; kind: RecordKind; key: string; near: string | null }
  | {
    do: "writeRecord";
    kind: RecordKind;
    key: string;
    near: string | null;
    text: string | null;
    expected: string | null | undefined;
    lastsMs: number | null;
  }
  | { do: "listRecords"; kind: RecordKind }
  | { do: "takeTokens"; bucket: string; tokens: number }
  | { do: "findCustomerSession"; customer: string; sender: string };

type EffectPlan = SessionEffect["kind"];
type NextPlan = Settlement["next"]["status"];

const session = fc.constantFrom("S1", "S2", "S3");
const agent = fc.constantFrom("ann", "bob", "cy");
const token = fc.constantFrom("t1", "t2");
const sink = fc.constantFrom("wh_1", "wh_2", "sms");
const nth = fc.nat(30);
const phone = fc.constantFrom("+16501111111", "1 (650) 111-1112", "16501111113");
const text = fc.constantFrom("", "a", '{"b":1}', "c\u0000d", "ü😀");
const kind = fc.constantFrom<RecordKind>("idempotency", "subscription", "opt-out");
const open: readonly DeliveryStatus[] = ["pending", "retrying", "held"];
const statuses = fc.constantFrom<readonly DeliveryStatus[]>(open, ["dead"], ["delivered", "dead"], [
  "held",
]);
const status = fc.constantFrom<DeliveryStatus>("pending", "retrying", "delivered", "dead", "held");

const ending = fc.record({
  stillIn: fc.constantFrom<StillIn>("agents", "others", "untold"),
  agoMs: fc.constantFrom(0, 0, 900, 31_000),
});

const draftPlan: fc.Arbitrary<DraftPlan> = fc.record({
  session: fc.option(session, { freq: 8 }),
  type: fc.constantFrom("session.status_changed", "session.notification"),
  messages: fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 })),
  stateHash: fc.option(fc.constantFrom("h1", "h2")),
  state: fc.option(fc.constantFrom("Chatting", "Completed")),
  phone: fc.option(phone),
  heardBy: fc.option(agent),
  ending: fc.option(ending, { freq: 3 }),
  webhooks: fc.uniqueArray(
    fc.record({
      id: fc.constantFrom("wh_1", "wh_2"),
      agents: fc.option(fc.subarray(["ann", "bob"], { minLength: 1 })),
      ordered: fc.boolean(),
      held: fc.boolean(),
    }),
    { maxLength: 2, selector: ({ id }) => id },
  ),
  texts: fc.boolean(),
  guard: fc.option(
    fc.record({ expected: fc.option(fc.constantFrom("g1", "g2")), text: fc.constant("g1") }),
    { freq: 4 },
  ),
  again: fc.nat(9).map((chance) => chance === 0),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: step("wait", { ms: fc.constantFrom(1, 900, 31_000, 61_000, 90_000_000) }),
  },
  { weight: 6, arbitrary: step("claimSession", { session, agent, token }) },
  {
    weight: 6,
    arbitrary: step("confirmSession", {
      session,
      agent,
      as: fc.constantFrom("holder", "holder", "participant"),
    }),
  },
  step("releaseClaim", { session, token, forAll: fc.boolean() }),
  step("doubtClaim", { session, token }),
  {
    weight: 4,
    arbitrary: step("applyEffect", {
      session,
      agent,
      effect: fc.constantFrom<EffectPlan>(
        "open-seat",
        "maybe-gone",
        "end",
        "leave",
        "hand-over",
        "join",
        "decline",
        "release",
      ),
    }),
  },
  { weight: 2, arbitrary: step("readSession", { session, slide: fc.option(agent) }) },
  step("listSessions", { agent: fc.option(agent) }),
  { weight: 2, arbitrary: step("setCustomer", { session, phone, sender: fc.option(phone) }) },
  step("firstUnseenMessage", {}),
  {
    weight: 9,
    arbitrary: step("publish", {
      drafts: fc.array(draftPlan, { minLength: 1, maxLength: 3 }),
      stale: fc.nat(9).map((chance) => chance === 0),
    }),
  },
  {
    weight: 7,
    arbitrary: step("claimDeliveries", {
      capacity: fc.constantFrom(1, 100),
      sweep: fc.boolean(),
    }),
  },
  {
    weight: 7,
    arbitrary: step("settle", {
      nth,
      next: fc.constantFrom<NextPlan>("delivered", "dead", "unknown", "retrying", "held"),
      health: fc.constantFrom<Settlement["health"]>("success", "failure", null),
      draft: fc.boolean(),
    }),
  },
  step("retryDelivery", { nth }),
  step("noteProgress", { nth, progress: fc.constantFrom("{}", '["ü😀"]') }),
  step("resolveDelivery", { nth, to: fc.constantFrom("delivered", "dead", "due") }),
  step("holdDeliveries", { sink, limit: fc.constantFrom(1, 10) }),
  step("requeueDeliveries", { sink, statuses }),
  step("countDeliveries", { sink, statuses }),
  { weight: 2, arbitrary: step("readDelivery", { nth }) },
  step("listEvents", {
    session: fc.option(session),
    type: fc.option(fc.constant("session.status_changed")),
  }),
  {
    weight: 2,
    arbitrary: step("listDeliveries", { sink: fc.option(sink), status: fc.option(status) }),
  },
  step("expungeSession", { session }),
  step("putWebhook", {
    id: fc.constantFrom("wh_1", "wh_2"),
    json: fc.constantFrom("{}", '{"a":1}'),
    conditional: fc.boolean(),
  }),
  step("deleteWebhook", { id: fc.constantFrom("wh_1", "wh_2") }),
  step("readRecord", { kind, key: token, near: fc.option(session) }),
  {
    weight: 3,
    arbitrary: step("writeRecord", {
      kind,
      key: token,
      near: fc.option(session),
      text: fc.option(text),
      expected: fc.oneof(fc.constant(undefined), fc.option(text)),
      lastsMs: fc.option(fc.constantFrom(1_000, 60_000)),
    }),
  },
  step("listRecords", { kind }),
  step("takeTokens", {
    bucket: fc.constantFrom("+15550100", "+15550101"),
    tokens: fc.constantFrom(1, 3, 12),
  }),
  step("findCustomerSession", {
    customer: fc.constantFrom("16501111111", "16501111112", "16501111113"),
    sender: fc.constantFrom("16501111111", "16502222222"),
  }),
);

/** One session that goes from hand to hand while texts come in, some of them late. */
const handedAround: fc.Arbitrary<Command> = fc.oneof(
  step("wait", { ms: fc.constantFrom(900, 4_100, 61_000) }),
  {
    weight: 2,
    arbitrary: step("confirmSession", {
      session: fc.constant("S1"),
      agent,
      as: fc.constantFrom("holder", "holder", "participant"),
    }),
  },
  {
    weight: 3,
    arbitrary: step("applyEffect", {
      session: fc.constant("S1"),
      agent,
      effect: fc.constantFrom<EffectPlan>("end", "leave", "hand-over"),
    }),
  },
  {
    weight: 3,
    arbitrary: step("publish", {
      drafts: fc.tuple(fc.record({
        session: fc.constant("S1"),
        type: fc.constant("session.messages_added"),
        messages: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
        stateHash: fc.constant(null),
        state: fc.constant(null),
        phone: fc.constant(null),
        heardBy: fc.constant(null),
        ending: fc.constant(null),
        webhooks: fc.constant([]),
        texts: fc.constant(true),
        guard: fc.constant(null),
        again: fc.constant(false),
      })),
      stale: fc.constant(false),
    }),
  },
);

const onlyS1 = fc.constant("S1");

/** One session with several seats, which agents claim at once, whom nobody may have invited. */
const manySeats: fc.Arbitrary<Command> = fc.oneof(
  step("wait", { ms: fc.constantFrom(1, 899, 29_999, 270_000) }),
  { weight: 3, arbitrary: step("claimSession", { session: onlyS1, agent, token }) },
  step("releaseClaim", { session: onlyS1, token, forAll: fc.boolean() }),
  step("doubtClaim", { session: onlyS1, token }),
  {
    weight: 3,
    arbitrary: step("confirmSession", {
      session: onlyS1,
      agent,
      as: fc.constantFrom("holder", "participant"),
    }),
  },
  {
    weight: 4,
    arbitrary: step("applyEffect", {
      session: onlyS1,
      agent,
      effect: fc.constantFrom<EffectPlan>(
        "maybe-gone",
        "open-seat",
        "open-seat",
        "hand-over",
        "leave",
        "decline",
        "release",
      ),
    }),
  },
  { weight: 2, arbitrary: step("readSession", { session: onlyS1, slide: fc.option(agent) }) },
);

/** One session whose state is told while agents accept it and leave it again. */
const heardWhileAccepting: fc.Arbitrary<Command> = fc.oneof(
  step("wait", { ms: fc.constantFrom(1, 29_999, 30_000) }),
  { weight: 3, arbitrary: step("claimSession", { session: onlyS1, agent, token }) },
  step("releaseClaim", { session: onlyS1, token, forAll: fc.boolean() }),
  {
    weight: 3,
    arbitrary: step("confirmSession", { session: onlyS1, agent, as: fc.constant("holder") }),
  },
  step("applyEffect", {
    session: onlyS1,
    agent,
    effect: fc.constantFrom<EffectPlan>("leave", "join", "open-seat", "decline"),
  }),
  { weight: 2, arbitrary: step("readSession", { session: onlyS1, slide: fc.constant(null) }) },
  {
    weight: 3,
    arbitrary: step("publish", {
      drafts: fc.tuple(fc.record({
        session: onlyS1,
        type: fc.constant("session.status_changed"),
        messages: fc.constant(null),
        stateHash: fc.option(fc.constantFrom("h1", "h2")),
        state: fc.option(fc.constantFrom("Chatting", "Completed")),
        phone: fc.constant(null),
        heardBy: fc.option(agent),
        ending: fc.option(ending, { freq: 1 }),
        webhooks: fc.constant([]),
        texts: fc.constant(false),
        guard: fc.constant(null),
        again: fc.constant(false),
      })),
      stale: fc.constant(false),
    }),
  },
);

const SHORT = { minLength: 1, maxLength: 30, size: "max" } as const;

/** Short histories over few names, so that steps meet each other. */
export const histories: fc.Arbitrary<Command[]> = fc.oneof(
  { weight: 4, arbitrary: fc.array(command, SHORT) },
  { weight: 1, arbitrary: fc.array(handedAround, SHORT) },
  { weight: 1, arbitrary: fc.array(manySeats, SHORT) },
  { weight: 1, arbitrary: fc.array(heardWhileAccepting, SHORT) },
);

function step<Name extends Command["do"]>(
  name: Name,
  members: {
    [Member in Exclude<keyof Extract<Command, { do: Name }>, "do">]: fc.Arbitrary<
      Extract<Command, { do: Name }>[Member]
    >;
  },
): fc.Arbitrary<Command> {
  return fc.record({ do: fc.constant(name), ...members }) as fc.Arbitrary<Command>;
}
