import assert from "node:assert/strict";
import type { OperationAnswer } from "./callers.ts";
import type { SharedSession } from "./shared_session.ts";

/** Upstream has done it. */
export const DONE: OperationAnswer = { status: 200, statusCode: 0, from: "upstream" };
/** Another agent holds the session. */
export const HELD: OperationAnswer = { status: 409, statusCode: 19, from: "session-held" };
const NOT_YOURS: OperationAnswer = { status: 403, statusCode: 3, from: "not-your-session" };

/** What becomes of an operation: upstream does it, upstream refuses it, or Patchbay does and upstream hears nothing of it. */
export type Fate = "done" | "upstream refuses" | "refused";

/** What becomes of an agent's operation. */
export async function fateOf(
  session: SharedSession,
  agentId: string,
  operationName: string,
  members: Readonly<Record<string, unknown>> = {},
): Promise<Fate> {
  const before = session.forwarded;
  const answer = await session.operate(agentId, operationName, members);
  if (answer.from === "upstream") return answer.statusCode === 0 ? "done" : "upstream refuses";
  assert.deepEqual(answer, operationName === "Accept" ? HELD : NOT_YOURS);
  assert.equal(session.forwarded, before, `upstream was asked for ${operationName}`);
  return "refused";
}

/** What has been told since the last look is this, as `ToldEvent.line` puts it; `when` is for the message. */
export async function assertTold(
  { newEvents, hearing }: SharedSession,
  expected: readonly string[],
  when?: string,
): Promise<void> {
  const events = await newEvents();
  // When a text leaves depends on Twilio.
  const [texts, others] = parted(events.map(({ line }) => line), isText);
  const [expectedTexts, expectedOthers] = parted(expected, isText);
  assert.deepEqual(texts, expectedTexts, when);
  if (hearing === "pushed") return assert.deepEqual(others, expectedOthers, when);
  // Two agents' connections tell of one change independently: what comes second may count as another one.
  const [states, once] = parted(others, isState);
  const [expectedStates, expectedOnce] = parted(expectedOthers, isState);
  assert.deepEqual(once.toSorted(), expectedOnce.toSorted(), when);
  assert.deepEqual(new Set(states), new Set(expectedStates), when);
}

const isText = (line: string) => line.endsWith("sms.sent");
const isState = (line: string) => /^\w+: (status_changed|participants_updated)/.test(line);

function parted<T>(all: readonly T[], belongs: (one: T) => boolean): readonly [T[], T[]] {
  return [all.filter(belongs), all.filter((one) => !belongs(one))];
}
