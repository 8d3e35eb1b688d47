import * as v from "valibot";
import { messageOperations } from "./message_operations.ts";
import {
  type Centre,
  findSeat,
  type PlannedFailure,
  type Session,
  takeReferenceId,
} from "./model.ts";
import { operationFailed } from "./notifications.ts";
import { type Call, defineOperation, noParameters, type Operation } from "./operation.ts";
import { done, type Outcome } from "./outcome.ts";
import { type Refusal, refuse, STATUS } from "./refusals.ts";
import { accept, complete, leave, reject } from "./seat_operations.ts";
import { consult, invite, transfer } from "./team_operations.ts";
import { userDataOperations } from "./user_data_operations.ts";

/** Tells the server which session the agent looks at; no notification is documented. */
const setInFocus = defineOperation({
  states: ["Chatting", "LeftChat"],
  parameters: noParameters,
  perform: () => done([]),
});

const OPERATIONS: ReadonlyMap<string, Operation> = new Map(Object.entries({
  Accept: accept,
  Reject: reject,
  Leave: leave,
  // Known only as a capability.
  LeaveAndComplete: leave,
  Complete: complete,
  Invite: invite,
  Consult: consult,
  Transfer: transfer,
  SetInFocus: setInFocus,
  InFocus: setInFocus,
  ...messageOperations,
  ...userDataOperations,
}));

/** What an agent may do with a session of its own. */
export const OPERATION_NAMES: readonly string[] = [...OPERATIONS.keys()];

/** The samples' answers show a referenceId for these alone. */
const ANSWERED_WITH_REFERENCE: ReadonlySet<string> = new Set(["Invite", "Consult"]);

const operationBody = v.looseObject({ operationName: v.string() });

/** The operation that a body names, or why it names none. */
export function readOperationName(untrustedBody: unknown): { readonly name: string } | Refusal {
  const parsed = v.safeParse(operationBody, untrustedBody);
  return parsed.success
    ? { name: parsed.output.operationName }
    : refuse(STATUS.missingParameter, "Parameter operationName is missing");
}

/** Carries out an operation of `agentId`, or says why not; nothing is changed then. */
export function operate(
  centre: Centre,
  { session, agentId, untrustedBody }: {
    readonly session: Session | undefined;
    readonly agentId: string;
    readonly untrustedBody: unknown;
  },
): Outcome {
  const seat = session === undefined ? undefined : findSeat(centre, session, agentId);
  if (session === undefined || seat === undefined) {
    return refuse(STATUS.notFound, "The agent has no such session");
  }
  const read = readOperationName(untrustedBody);
  if ("kind" in read) return read;
  const operation = OPERATIONS.get(read.name);
  if (operation === undefined) {
    return refuse(STATUS.forbidden, `Operation ${read.name} is not known`);
  }
  if (!operation.states.includes(seat.state)) {
    return refuse(STATUS.wrongState, `Operation ${read.name} is not possible in ${seat.state}`);
  }
  if (operation.needsCustomer && !session.customerPresent) {
    return refuse(STATUS.wrongState, `Operation ${read.name} needs a customer, who has left`);
  }
  const call = { centre, session, seat };
  const perform = operation.prepare(call, untrustedBody);
  if (typeof perform !== "function") return perform;
  const failure = takeFailure(call, read.name);
  return failure === undefined ? perform() : failLater(call, read.name, failure);
}

function takeFailure({ centre, session, seat }: Call, name: string): PlannedFailure | undefined {
  const fits = (wanted: string | undefined, is: string) => wanted === undefined || wanted === is;
  const at = centre.failures.findIndex(({ operationName, sessionId, agentId }) =>
    fits(operationName, name) && fits(sessionId, session.id) && fits(agentId, seat.agentId)
  );
  return at < 0 ? undefined : centre.failures.splice(at, 1)[0];
}

/** What stands behind the contact centre refuses what was taken: only a notification tells. */
function failLater(
  { centre, session, seat }: Call,
  name: string,
  failure: PlannedFailure,
): Outcome {
  const referenceId = takeReferenceId(centre);
  return done(
    [operationFailed(centre, session, seat, { ...failure, referenceId })],
    ANSWERED_WITH_REFERENCE.has(name) ? { referenceId } : {},
  );
}
