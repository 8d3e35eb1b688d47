import assert from "node:assert/strict";
import { OPERATIONS } from "../../../services/contact_centre/dialect/operations.ts";
import {
  changeAfter,
  changeAfterGoing,
  changeInDoubt,
  DOUBTFUL_SEAT_MS,
  OPEN_SEAT_MS,
} from "../../../services/sessions/effects.ts";

const NOW_MS = 1000;

function change(
  name: string,
  { nickname = null, invited = false }: { nickname?: string | null; invited?: boolean } = {},
) {
  const effect = OPERATIONS.get(name)?.effect;
  assert.ok(effect !== undefined, `${name} is no operation`);
  const operation = { ok: true, name, known: true, effect, nickname } as const;
  return changeAfter({ agentId: "agent-1", sessionId: "s", operation, invited }, NOW_MS);
}

const released = (operationName: string) => ({
  type: "session.released",
  sessionId: "s",
  data: { operationName },
});

Deno.test("changeAfter() ends the mapping after Complete", () => {
  assert.deepEqual(change("Complete"), { effect: { kind: "end" }, event: released("Complete") });
});

for (const name of ["Leave", "LeaveAndComplete", "Reject"]) {
  Deno.test(`changeAfter() takes the agent out after ${name}`, () => {
    assert.deepEqual(change(name), { effect: { kind: "leave" }, event: released(name) });
  });
}

Deno.test("changeAfter() hands the place over for five minutes after Transfer", () => {
  assert.deepEqual(change("Transfer"), {
    effect: { kind: "hand-over", untilMs: NOW_MS + OPEN_SEAT_MS },
    event: released("Transfer"),
  });
});

Deno.test("changeAfter() closes the seat after an invited agent's Reject, without an event", () => {
  assert.deepEqual(change("Reject", { invited: true }), {
    effect: { kind: "decline" },
    event: null,
  });
});

for (const name of ["Invite", "Consult"]) {
  Deno.test(`changeAfter() opens a seat after ${name}, without an event`, () => {
    const effect = { kind: "open-seat", untilMs: NOW_MS + OPEN_SEAT_MS };
    assert.deepEqual(change(name), { effect, event: null });
  });
}

for (const [given, nickname] of [[null, "agent-1"], ["Boss", "Boss"]] as const) {
  Deno.test(`changeAfter() lets the supervisor in as ${nickname} after Intrude`, () => {
    assert.deepEqual(change("Intrude", { nickname: given }), {
      effect: { kind: "join", nickname },
      event: {
        type: "session.participant_added",
        sessionId: "s",
        data: { participant: { agentId: "agent-1", nickname } },
      },
    });
  });
}

for (const name of ["Accept", "SendMessage", "SetDisposition"]) {
  Deno.test(`changeAfter() has nothing to do after ${name}`, () => {
    assert.equal(change(name), null);
  });
}

const IN_DOUBT = [
  ["Invite", { kind: "open-seat", untilMs: NOW_MS + OPEN_SEAT_MS }],
  ["Consult", { kind: "open-seat", untilMs: NOW_MS + OPEN_SEAT_MS }],
  ["Transfer", { kind: "maybe-gone", untilMs: NOW_MS + DOUBTFUL_SEAT_MS }],
  ["Complete", { kind: "maybe-gone", untilMs: NOW_MS + DOUBTFUL_SEAT_MS }],
  ["Leave", { kind: "maybe-gone", untilMs: NOW_MS + DOUBTFUL_SEAT_MS }],
  ["LeaveAndComplete", { kind: "maybe-gone", untilMs: NOW_MS + DOUBTFUL_SEAT_MS }],
  ["Reject", { kind: "maybe-gone", untilMs: NOW_MS + DOUBTFUL_SEAT_MS }],
  ["Accept", null],
  ["Intrude", null],
  ["SendMessage", null],
] as const;

for (const [name, effect] of IN_DOUBT) {
  Deno.test(`changeInDoubt() after ${name}: ${effect?.kind ?? "nothing"}, without an event`, () => {
    const operation = operationOf(name);
    assert.deepEqual(
      changeInDoubt({ operation, invited: false }, NOW_MS),
      effect === null ? null : { effect, event: null },
    );
  });
}

Deno.test("changeInDoubt() after an invited agent's Reject: nothing, as it holds nobody off", () => {
  assert.equal(changeInDoubt({ operation: operationOf("Reject"), invited: true }, NOW_MS), null);
});

for (const name of ["Complete", "Transfer", "Leave"]) {
  Deno.test(`changeAfterGoing() takes out by ${name} the agent alone`, () => {
    const done = { sessionId: "s", operation: operationOf(name) };
    assert.deepEqual(changeAfterGoing(done), { effect: { kind: "leave" }, event: released(name) });
  });
}

function operationOf(name: string) {
  const effect = OPERATIONS.get(name)?.effect;
  assert.ok(effect !== undefined, `${name} is no operation`);
  return { ok: true, name, known: true, effect, nickname: null } as const;
}
