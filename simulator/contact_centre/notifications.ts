import { capabilitiesOf } from "./capabilities.ts";
import {
  absoluteUri,
  type Centre,
  chattingSeats,
  personResource,
  type Seat,
  type Session,
  sessionPath,
  type WireMessage,
} from "./model.ts";
import type { Addressed } from "./outcome.ts";
import { formatTimestamp } from "./timestamps.ts";

/** The session as the agent sees it, whole. */
export function sessionResource(
  centre: Centre,
  session: Session,
  seat: Seat,
): Record<string, unknown> {
  const path = sessionPath(session);
  const capabilities = capabilitiesOf(session, seat);
  return {
    id: session.id,
    state: seat.state,
    ...(capabilities.length > 0 ? { capabilities } : {}),
    uri: absoluteUri(centre, path),
    path,
    participants: participantsOf(centre, session),
    userData: session.userData,
    receivedDate: formatTimestamp(session.receivedAtMs, centre.timestamps),
    ...session.shownInstead,
  };
}

function participantsOf(centre: Centre, session: Session): Record<string, unknown>[] {
  // Somebody who was invited by name is listed before having accepted; the Invite sample shows that.
  const agents = [...session.seats.values()]
    .filter(({ state }) => state === "Chatting" || state === "Invited")
    .map(({ person }) => person);
  const people = session.customerPresent ? [...agents, session.customer] : agents;
  return people.map((person) => personResource(centre, person));
}

function stateMessage(
  notificationType: string,
  seat: Seat,
  smssession: Record<string, unknown>,
  referenceId?: number,
): Addressed {
  return {
    agentId: seat.agentId,
    notification: {
      messageType: "SMSsessionStateChangeMessage",
      ...(referenceId === undefined ? {} : { referenceId }),
      notificationType,
      smssession,
    },
  };
}

/** StatusChange for one agent. It lists nobody: the participants follow in ParticipantsUpdated, if at all. */
export function statusChange(
  centre: Centre,
  session: Session,
  seat: Seat,
  referenceId?: number,
): Addressed {
  const { participants: _, ...resource } = sessionResource(centre, session, seat);
  const smssession = seat.state === "LeftChat" ? resource : { ...resource, participants: [] };
  return stateMessage("StatusChange", seat, smssession, referenceId);
}

/**
 * Error for the agent whose operation failed after it was answered. The type is documented for the chat sibling (Chat
 * API, "Message types"); its members beside the resource are those of other resources, as no page shows them.
 */
export function operationFailed(
  centre: Centre,
  session: Session,
  seat: Seat,
  { referenceId, errorMessage = "The operation failed", errorCode }: {
    readonly referenceId: number;
    readonly errorMessage?: string;
    readonly errorCode?: number;
  },
): Addressed {
  const resource = sessionResource(centre, session, seat);
  const { agentId, notification } = stateMessage("Error", seat, resource, referenceId);
  return {
    agentId,
    notification: {
      ...notification,
      errorMessage,
      ...(errorCode === undefined ? {} : { errorCode }),
    },
  };
}

/** ParticipantsUpdated for one agent. */
export function participantsUpdated(
  centre: Centre,
  session: Session,
  seat: Seat,
  referenceId?: number,
): Addressed {
  const resource = sessionResource(centre, session, seat);
  return stateMessage("ParticipantsUpdated", seat, resource, referenceId);
}

/** PropertiesUpdated for everybody in the conversation; only the agent who asked gets the referenceId. */
export function propertiesUpdated(
  centre: Centre,
  session: Session,
  askedBy?: { readonly agentId: string; readonly referenceId: number },
): Addressed[] {
  return chattingSeats(session).map((seat) =>
    stateMessage(
      "PropertiesUpdated",
      seat,
      sessionResource(centre, session, seat),
      seat.agentId === askedBy?.agentId ? askedBy.referenceId : undefined,
    )
  );
}

/** NewMessages for one agent. It has no session id of its own, only the address of the session. */
export function newMessagesFor(
  centre: Centre,
  session: Session,
  agentId: string,
  messages: readonly WireMessage[],
): Addressed {
  const path = sessionPath(session);
  return {
    agentId,
    notification: {
      messageType: "MessageLogUpdated",
      notificationType: "NewMessages",
      messages,
      smssessionUri: absoluteUri(centre, path),
      smssessionPath: path,
    },
  };
}

/** NewMessages for everybody in the conversation, the author included: upstream echoes. */
export function newMessages(
  centre: Centre,
  session: Session,
  message: WireMessage,
): Addressed[] {
  return chattingSeats(session).map(({ agentId }) =>
    newMessagesFor(centre, session, agentId, [message])
  );
}
