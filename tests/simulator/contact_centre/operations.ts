import * as v from "valibot";
import { messageOperations } from "./message_operations.ts";
import { type Centre, findSeat, type Session } from "./model.ts";
import { defineOperation, noParameters, type Operation } from "./operation.ts";
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
  return operation.run({ centre, session, seat }, untrustedBody);
}
