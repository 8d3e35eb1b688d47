import * as v from "valibot";
import {
  appendMessage,
  type Centre,
  isLive,
  newSeat,
  type Session,
  takeReferenceId,
  type Visibility,
} from "./model.ts";
import { newMessages, participantsUpdated, statusChange } from "./notifications.ts";
import {
  defineOperation,
  filledText,
  type Operation,
  readTarget,
  type Target,
  targetParameters,
} from "./operation.ts";
import { type Addressed, done, type Outcome } from "./outcome.ts";
import { tellThatAgentLeft } from "./seat_operations.ts";
import { refuse, STATUS } from "./refusals.ts";

/** Invite and Consult: the same, but a consulted agent talks to agents only. */
function bringIn(visibility: Visibility): Operation {
  return defineOperation({
    states: ["Chatting"],
    parameters: v.object(targetParameters),
    perform({ centre, session, seat }, parameters) {
      const read = readTarget(parameters);
      if ("kind" in read) return read;
      if (isIn(session, read.target)) {
        return refuse(STATUS.wrongState, "The target is in the session already");
      }
      const referenceId = takeReferenceId(centre);
      return done([
        ...offer(centre, session, read.target, visibility),
        participantsUpdated(centre, session, seat, referenceId),
      ], { referenceId });
    },
  });
}

export const invite = bringIn("All");
export const consult = bringIn("Agents");

/** Transfer: the agent goes and the target takes its place. Built after the chat sibling, as SMS has no page for it. */
export const transfer = defineOperation({
  states: ["Chatting", "LeftChat"],
  parameters: v.object({
    ...targetParameters,
    text: v.optional(filledText),
    messageType: v.optional(filledText),
    treatAs: v.optional(v.picklist(["Normal", "System"])),
  }),
  perform({ centre, session, seat }, { text, messageType = "Text", ...parameters }) {
    const read = readTarget(parameters);
    if ("kind" in read) return read;
    if (read.target === seat.agentId) {
      return refuse(STATUS.invalidValue, "The target is the agent itself");
    }
    const said = text === undefined ? [] : newMessages(
      centre,
      session,
      appendMessage(centre, session, {
        type: messageType,
        from: seat.person,
        visibility: "Agents",
        text,
      }),
    );
    seat.state = "Completed";
    const referenceId = takeReferenceId(centre);
    return done([
      ...said,
      statusChange(centre, session, seat, referenceId),
      ...handOver(centre, session, read.target),
      ...tellThatAgentLeft(centre, session, seat),
    ]);
  },
});

/** Intrude: a supervisor gets an invitation to a session of the agent `userId` (SMSIntrude). */
export function intrude(
  centre: Centre,
  { session, supervisorId, userId, untrustedBody }: {
    readonly session: Session | undefined;
    readonly supervisorId: string;
    readonly userId: string;
    readonly untrustedBody: unknown;
  },
): Outcome {
  if (session?.seats.get(userId)?.state !== "Chatting") {
    return refuse(STATUS.notFound, "The user has no such session");
  }
  const parsed = v.safeParse(intrudeParameters, untrustedBody);
  if (!parsed.success) {
    return refuse(STATUS.invalidValue, "Parameter supervisorVisibilityMode is not a known mode");
  }
  const { supervisorVisibilityMode: mode } = parsed.output;
  // There is no agent monitoring here whose mode could be used instead.
  if (mode === undefined) {
    return refuse(STATUS.missingParameter, "Parameter supervisorVisibilityMode is missing");
  }
  if (isIn(session, supervisorId)) {
    return refuse(STATUS.wrongState, "The supervisor is in the session already");
  }
  return done(offer(centre, session, supervisorId, mode === "BargeIn" ? "All" : "Agents"));
}

const intrudeParameters = v.object({
  supervisorVisibilityMode: v.optional(v.picklist(["Monitor", "Coach", "BargeIn"])),
});

function isIn({ seats }: Session, target: Target): boolean {
  const seat = target === null ? undefined : seats.get(target);
  return seat !== undefined && isLive(seat);
}

/** Invites an agent by name, or opens the session to any agent of a queue; nobody in particular is told of the latter. */
export function offer(
  centre: Centre,
  session: Session,
  target: Target,
  visibility: Visibility,
): Addressed[] {
  if (target === null) {
    session.offers = [...session.offers, { visibility, declinedBy: new Set() }];
    return [];
  }
  const seat = newSeat(centre, target, visibility);
  session.seats.set(target, seat);
  return [statusChange(centre, session, seat)];
}

/** A consulted agent who is in already comes forward; anybody else is invited. */
function handOver(centre: Centre, session: Session, target: Target): Addressed[] {
  const present = target === null ? undefined : session.seats.get(target);
  if (present === undefined || !isLive(present)) return offer(centre, session, target, "All");
  present.person.visibility = "All";
  return [];
}
