import {
  appendMessage,
  type Centre,
  chattingSeats,
  isLive,
  type PlannedFailure,
  type Seat,
  type SeatState,
  type Session,
  type WireMessage,
} from "./model.ts";
import { createSession, type NewSession } from "./new_session.ts";
import {
  newMessages,
  participantsUpdated,
  propertiesUpdated,
  statusChange,
} from "./notifications.ts";
import type { Notifier } from "./notifier.ts";
import { operate } from "./operations.ts";
import type { Addressed, Outcome } from "./outcome.ts";
import type { Refusal } from "./refusals.ts";
import { offer } from "./team_operations.ts";

/** A session as it stands, for tests to look at. */
export interface SessionSnapshot {
  readonly id: string;
  readonly customerPresent: boolean;
  readonly userData: Readonly<Record<string, unknown>>;
  readonly messages: readonly WireMessage[];
  readonly agents: readonly {
    readonly agentId: string;
    readonly nickname: string;
    readonly state: SeatState;
  }[];
}

/** What happens in the contact centre without an agent's doing. */
export interface Control {
  /** A customer has written and waits for an agent. Throws when the id is taken. */
  addSession(session: NewSession): SessionSnapshot;
  /**
   * A strategy brings a session to an agent, who is invited and told so; open offers of it are withdrawn. Throws when the
   * agent is invited or in it already.
   */
  routeSession(sessionId: string, agentId: string): void;
  /**
   * An agent operates on a session from another desktop, with the body that it would have sent. A refusal is returned
   * and nothing is changed then; otherwise everybody concerned is told.
   */
  agentOperates(
    sessionId: string,
    agentId: string,
    body: Readonly<Record<string, unknown>>,
  ): Outcome;
  /** An agent sends a text, likewise. Throws when it may not. */
  agentTexts(sessionId: string, agentId: string, text: string): void;
  /**
   * Lets the next operation that matches fail behind the contact centre's back: it is answered as if all were well,
   * changes nothing, and its agent is told by a notification of the type `Error`.
   */
  failNext(failure?: PlannedFailure): void;
  /** The customer sends a text. */
  customerTexts(sessionId: string, text: string): WireMessage;
  /** The customer ends the session; its agents still have to Complete it. */
  customerLeaves(sessionId: string): void;
  /** Takes an unanswered invitation back, from one agent or from all. */
  revokeInvitation(sessionId: string, agentId?: string): void;
  /** A strategy in the contact centre adds to the session's data. */
  updateUserData(sessionId: string, userData: Readonly<Record<string, unknown>>): void;
  /** Shows these members of the session's resource instead of the real ones, from now on, and tells nobody. */
  showInstead(sessionId: string, members: Readonly<Record<string, unknown>>): void;
  /** Takes a session away, for everybody, and tells nobody. */
  removeSession(sessionId: string): void;
  /**
   * Sends any notification at all, such as an oddity that no operation produces. On CometD it goes to the sessions of the
   * agent, or of all; to `channel` instead of that of SMS sessions, and if `unasked` even to those not subscribed to it.
   */
  emit(
    notification: Readonly<Record<string, unknown>>,
    agentId?: string,
    to?: Pick<Addressed, "channel" | "unasked">,
  ): void;
  /** The next notifications, so many of them, are lost: what they tell has happened, and only a GET shows it. */
  loseNotifications(count: number): void;
  readonly sessions: readonly SessionSnapshot[];
}

/** The control of a contact centre. */
export function createControl(centre: Centre, notifier: Notifier): Control {
  function tell(notifications: readonly Addressed[]): void {
    notifier.enqueue(notifications);
  }

  function participantsUpdatedForAll(session: Session): Addressed[] {
    return chattingSeats(session).map((seat) => participantsUpdated(centre, session, seat));
  }

  function customerSays(
    session: Session,
    message: { readonly type: string; readonly text?: string },
  ): WireMessage {
    if (!session.customerPresent) {
      throw new Error(
        `Cannot act for the customer of ${session.id}: expected one who has not left`,
      );
    }
    return appendMessage(centre, session, {
      ...message,
      from: session.customer,
      visibility: "All",
    });
  }

  function agentOperates(
    sessionId: string,
    agentId: string,
    body: Readonly<Record<string, unknown>>,
  ): Outcome {
    const session = sessionOf(centre, sessionId);
    const outcome = operate(centre, { session, agentId, untrustedBody: body });
    if (outcome.kind === "done") tell(outcome.notifications);
    return outcome;
  }

  return {
    addSession(wanted) {
      const session = createSession(centre, wanted);
      tell(offer(centre, session, wanted.agentId ?? null, "All"));
      return snapshot(session);
    },
    routeSession(sessionId, agentId) {
      const session = sessionOf(centre, sessionId);
      const seat = session.seats.get(agentId);
      if (seat !== undefined && isLive(seat)) {
        throw new Error(
          `Cannot route ${sessionId} to ${agentId}: expected an agent who is not in it`,
        );
      }
      session.offers = [];
      tell(offer(centre, session, agentId, "All"));
    },
    agentOperates,
    agentTexts(sessionId, agentId, text) {
      const outcome = agentOperates(sessionId, agentId, { operationName: "SendMessage", text });
      if (outcome.kind === "refused") throw notPossible(sessionId, agentId, outcome);
    },
    failNext(failure = {}) {
      centre.failures.push(failure);
    },
    customerTexts(sessionId, text) {
      const session = sessionOf(centre, sessionId);
      const message = customerSays(session, { type: "Text", text });
      tell(newMessages(centre, session, message));
      return message;
    },
    customerLeaves(sessionId) {
      const session = sessionOf(centre, sessionId);
      const message = customerSays(session, { type: "ParticipantLeft" });
      session.customerPresent = false;
      tell([
        ...newMessages(centre, session, message),
        ...participantsUpdatedForAll(session),
      ]);
    },
    revokeInvitation(sessionId, agentId) {
      const session = sessionOf(centre, sessionId);
      if (agentId === undefined) session.offers = [];
      const revoked = [...session.seats.values()].filter((seat) =>
        seat.state === "Invited" && (agentId === undefined || seat.agentId === agentId)
      );
      for (const seat of revoked) seat.state = "Revoked";
      tell(revoked.map((seat) => statusChange(centre, session, seat)));
      if (revoked.length > 0) tell(participantsUpdatedForAll(session));
    },
    updateUserData(sessionId, userData) {
      const session = sessionOf(centre, sessionId);
      session.userData = { ...session.userData, ...userData };
      tell(propertiesUpdated(centre, session));
    },
    showInstead(sessionId, members) {
      const session = sessionOf(centre, sessionId);
      session.shownInstead = { ...session.shownInstead, ...members };
    },
    removeSession(sessionId) {
      centre.sessions.delete(sessionOf(centre, sessionId).id);
    },
    emit(notification, agentId, to = {}) {
      tell([{ agentId: agentId ?? null, notification, ...to }]);
    },
    loseNotifications: notifier.lose,
    get sessions() {
      return [...centre.sessions.values()].map(snapshot);
    },
  };
}

function notPossible(sessionId: string, agentId: string, { statusMessage }: Refusal): Error {
  return new Error(`Cannot text in ${sessionId} for ${agentId}: ${statusMessage}`);
}

function sessionOf({ sessions }: Centre, id: string): Session {
  const session = sessions.get(id);
  if (session === undefined) {
    throw new Error(`Cannot use session ${id}: expected one that was added`);
  }
  return session;
}

function snapshot({ id, customerPresent, userData, log, seats }: Session): SessionSnapshot {
  const agents = [...seats.values()].map(({ agentId, person: { nickname }, state }: Seat) => ({
    agentId,
    nickname,
    state,
  }));
  return { id, customerPresent, userData, messages: [...log], agents };
}
