import {
  appendMessage,
  type Centre,
  chattingSeats,
  newPerson,
  newSessionId,
  type Person,
  type Seat,
  type SeatState,
  type Session,
  type WireMessage,
} from "./model.ts";
import {
  newMessages,
  participantsUpdated,
  propertiesUpdated,
  statusChange,
} from "./notifications.ts";
import type { Notifier } from "./notifier.ts";
import type { Addressed } from "./outcome.ts";
import { offer } from "./team_operations.ts";

/** Something said before the session reached an agent. */
export interface HistoryEntry {
  /** `External`: a bot or service. */
  readonly from: "Customer" | "External";
  readonly text: string;
  /** The speaker's name, for External. */
  readonly nickname?: string;
  /** Unix milliseconds; now, unless told otherwise. */
  readonly atMs?: number;
}

export interface NewSession {
  /** 16 alphanumerics of its own, unless told otherwise. */
  readonly id?: string;
  readonly customer: {
    readonly nickname: string;
    /** Any notation; kept as digits under the keys that Digital Messaging Server uses. */
    readonly phone?: string;
  };
  /** Wins over the keys that come from `customer.phone`. */
  readonly userData?: Readonly<Record<string, unknown>>;
  readonly history?: readonly HistoryEntry[];
  /** Offers it to this agent only and tells the agent; otherwise any agent may accept it and nobody is told. */
  readonly agentId?: string;
  /** The number that the customer texted; `15005550006` unless told otherwise. */
  readonly contactCentrePhone?: string;
}

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
  /** The customer sends a text. */
  customerTexts(sessionId: string, text: string): WireMessage;
  /** The customer ends the session; its agents still have to Complete it. */
  customerLeaves(sessionId: string): void;
  /** Takes an unanswered invitation back, from one agent or from all. */
  revokeInvitation(sessionId: string, agentId?: string): void;
  /** A strategy in the contact centre adds to the session's data. */
  updateUserData(sessionId: string, userData: Readonly<Record<string, unknown>>): void;
  /** Sends any notification at all, such as an oddity that no operation produces. */
  emit(notification: Readonly<Record<string, unknown>>, agentId?: string): void;
  readonly sessions: readonly SessionSnapshot[];
}

/** The control of a contact centre. */
export function createControl(centre: Centre, notifier: Notifier): Control {
  function tell(notifications: readonly Addressed[]): void {
    notifier.enqueue(notifications);
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

  return {
    addSession(wanted) {
      const session = createSession(centre, wanted);
      tell(offer(centre, session, wanted.agentId ?? null, "All"));
      return snapshot(session);
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
        ...chattingSeats(session).map((seat) => participantsUpdated(centre, session, seat)),
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
    },
    updateUserData(sessionId, userData) {
      const session = sessionOf(centre, sessionId);
      session.userData = { ...session.userData, ...userData };
      tell(propertiesUpdated(centre, session));
    },
    emit(notification, agentId) {
      tell([{ agentId: agentId ?? null, notification }]);
    },
    get sessions() {
      return [...centre.sessions.values()].map(snapshot);
    },
  };
}

function sessionOf({ sessions }: Centre, id: string): Session {
  const session = sessions.get(id);
  if (session === undefined) {
    throw new Error(`Cannot use session ${id}: expected one that was added`);
  }
  return session;
}

/** Adds a session with no agent in it: the customer has joined and the history has been said. */
function createSession(
  centre: Centre,
  { id = newSessionId(centre), customer: { nickname, phone }, history = [], ...wanted }: NewSession,
): Session {
  if (centre.sessions.has(id)) {
    throw new Error(`Cannot add session ${id}: expected an id that is not taken`);
  }
  const customer = newPerson(centre, { type: "Customer", nickname, agentId: null });
  const session: Session = {
    id,
    customer,
    customerPresent: true,
    userData: { ...phoneData(phone, wanted.contactCentrePhone), ...wanted.userData },
    receivedAtMs: centre.clock.now(),
    log: [],
    seats: new Map(),
    offers: [],
  };
  centre.sessions.set(id, session);
  logHistory(centre, session, history);
  return session;
}

function logHistory(centre: Centre, session: Session, history: readonly HistoryEntry[]): void {
  const services = new Map<string, Person>();
  function join(from: Person, atMs = centre.clock.now()): Person {
    appendMessage(centre, session, { type: "ParticipantJoined", from, visibility: "All", atMs });
    return from;
  }
  function service(nickname: string, atMs?: number): Person {
    const known = services.get(nickname) ??
      join(newPerson(centre, { type: "External", nickname, agentId: null }), atMs);
    services.set(nickname, known);
    return known;
  }
  join(session.customer, history[0]?.atMs);
  for (const { from, text, nickname = "Service", atMs = centre.clock.now() } of history) {
    const speaker = from === "Customer" ? session.customer : service(nickname, atMs);
    appendMessage(centre, session, { type: "Text", from: speaker, visibility: "All", text, atMs });
  }
}

/**
 * The keys under which Digital Messaging Server attaches the two numbers to an SMS session ("SMS Inbound Messages
 * Attributes", MSGA 9.0.0): digits without a plus.
 */
export function phoneData(
  phone: string | undefined,
  contactCentrePhone = "15005550006",
): Record<string, unknown> {
  if (phone === undefined) return { MediaType: "smssession" };
  const [customer, centre] = [phone, contactCentrePhone].map((text) => text.replace(/\D/g, ""));
  return {
    MediaType: "smssession",
    PhoneNumber: customer,
    FromAddr: customer,
    _smsSrcNumber: customer,
    ToAddr: centre,
    _smsDestNumber: centre,
  };
}

function snapshot({ id, customerPresent, userData, log, seats }: Session): SessionSnapshot {
  const agents = [...seats.values()].map(({ agentId, person: { nickname }, state }: Seat) => ({
    agentId,
    nickname,
    state,
  }));
  return { id, customerPresent, userData, messages: [...log], agents };
}
