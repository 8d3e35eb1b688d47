import {
  appendMessage,
  type Centre,
  newPerson,
  newSessionId,
  type Person,
  type Session,
} from "./model.ts";

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

/** Adds a session with no agent in it: the customer has joined and the history has been said. */
export function createSession(
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
