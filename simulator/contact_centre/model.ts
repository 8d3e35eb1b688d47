import type { Clock } from "../../services/support/clock.ts";
import { type Random, randomAlphanumeric, randomHex } from "../kit/simulator.ts";
import type { Outcome } from "./outcome.ts";
import { formatTimestamp, type TimestampStyle } from "./timestamps.ts";

/** A session's state as one agent sees it: each agent has its own copy of the resource. */
export type SeatState = "Invited" | "Chatting" | "LeftChat" | "Completed" | "Revoked";

/** Who sees a message or a participant. */
export type Visibility = "All" | "Agents";

/** A participant. */
export interface Person {
  readonly type: "Agent" | "Customer" | "External";
  nickname: string;
  readonly participantId: string;
  visibility: Visibility;
  /** Null for anyone who is not an agent. */
  readonly agentId: string | null;
}

/** An agent's place in a session. */
export interface Seat {
  readonly agentId: string;
  state: SeatState;
  readonly person: Person;
}

/** An invitation that any agent may accept: a fresh session, or one that went to a queue. */
export interface OpenOffer {
  readonly visibility: Visibility;
  /** Agents who rejected it. */
  readonly declinedBy: Set<string>;
}

/** A message as it goes over the wire; its other members depend on its type. */
export type WireMessage = Readonly<Record<string, unknown>> & { readonly index: number };

/** One SMS session and everybody in it. */
export interface Session {
  readonly id: string;
  readonly customer: Person;
  customerPresent: boolean;
  userData: Readonly<Record<string, unknown>>;
  readonly receivedAtMs: number;
  readonly log: WireMessage[];
  /** By agent, in the order of joining. */
  readonly seats: Map<string, Seat>;
  offers: readonly OpenOffer[];
  /** Replaces what a successful Accept does, answers and tells. */
  readonly scriptedAccept?: (agentId: string) => Outcome;
  /** Members that its resource shows instead of the real ones. */
  shownInstead?: Readonly<Record<string, unknown>>;
}

/** The whole simulated contact centre. */
export interface Centre {
  readonly clock: Clock;
  readonly random: Random;
  readonly timestamps: TimestampStyle;
  /** Where it listens; the absolute `uri`s of resources are built from it. */
  readonly baseUrl: string;
  /** Where SetDisposition writes when it names no key. */
  readonly dispositionKey: string;
  /** Whether every Accept is let in, of whatever session. */
  readonly acceptsAny: boolean;
  readonly sessions: Map<string, Session>;
  /** Channels of the agents who started their contact-centre session. */
  readonly loggedIn: Map<string, readonly string[]>;
  nextReferenceId: number;
  /** Operations that are to fail asynchronously, each plan for one; the oldest that matches is used first. */
  readonly failures: PlannedFailure[];
}

/** An operation that is to fail after it was answered; whatever is left out may be anything. */
export interface PlannedFailure {
  readonly operationName?: string;
  readonly sessionId?: string;
  readonly agentId?: string;
  /** `errorCode` of the notification; none unless told otherwise. */
  readonly errorCode?: number;
  /** `errorMessage` of the notification; `The operation failed` unless told otherwise. */
  readonly errorMessage?: string;
}

/** The next `referenceId`. */
export function takeReferenceId(centre: Centre): number {
  return centre.nextReferenceId++;
}

/** A 16-character interaction id of the documented look. */
export function newSessionId({ random }: Centre): string {
  return `0000${randomAlphanumeric(random, 12)}`;
}

/** A participant with an id of its own. */
export function newPerson(
  { random }: Centre,
  person: Omit<Person, "participantId" | "visibility"> & { readonly visibility?: Visibility },
): Person {
  const participantId = `0090${randomHex(random, 12).toUpperCase()}`;
  return { visibility: "All", ...person, participantId };
}

/** A member of a resource: the address of something of this contact centre. */
export function absoluteUri({ baseUrl }: Centre, path: string): string {
  return `${baseUrl}/api/v2${path}`;
}

/** A session's `path`. The samples leave out `/me`. */
export function sessionPath({ id }: Session): string {
  return `/smssessions/${id}`;
}

/** A participant as resources and messages show it; only agents have an address. */
export function personResource(centre: Centre, person: Person): Record<string, unknown> {
  const { type, nickname, participantId, visibility, agentId } = person;
  const path = agentId === null ? null : `/users/${encodeURIComponent(agentId)}`;
  return {
    type,
    nickname,
    participantId,
    id: participantId,
    visibility,
    ...(path === null ? {} : { uri: absoluteUri(centre, path), path }),
  };
}

/** Adds a message to the session's log and gives it the next index (1-based). */
export function appendMessage(
  centre: Centre,
  session: Session,
  { from, atMs = centre.clock.now(), ...content }: {
    readonly type: string;
    readonly from: Person;
    readonly visibility: Visibility;
    readonly atMs?: number;
    readonly text?: string;
    readonly url?: string;
    readonly noticeText?: string;
  },
): WireMessage {
  const stampedMs = atMs - (centre.timestamps.behindMs ?? 0);
  const message = {
    index: (session.log.at(-1)?.index ?? 0) + 1,
    ...content,
    from: personResource(centre, from),
    timestamp: formatTimestamp(stampedMs, centre.timestamps),
    // The name says seconds, but upstream puts milliseconds there.
    timestampSeconds: stampedMs,
  };
  session.log.push(message);
  return message;
}

/** The agents who are in the conversation. */
export function chattingSeats({ seats }: Session): Seat[] {
  return [...seats.values()].filter(({ state }) => state === "Chatting");
}

/** Whether the agent is invited to the session or in it. */
export function isLive({ state }: Seat): boolean {
  return state === "Invited" || state === "Chatting" || state === "LeftChat";
}

/**
 * The agent's seat: the one it has, else one on an open offer (kept only once it is accepted or rejected),
 * else one that it had before; undefined when the session is none of the agent's.
 */
export function findSeat(centre: Centre, session: Session, agentId: string): Seat | undefined {
  const own = session.seats.get(agentId);
  if (own !== undefined && isLive(own)) return own;
  const offer = findOffer(session, agentId);
  return offer === undefined ? own : newSeat(centre, agentId, offer.visibility);
}

/** The oldest open offer that the agent has not rejected. */
export function findOffer({ offers }: Session, agentId: string): OpenOffer | undefined {
  return offers.find(({ declinedBy }) => !declinedBy.has(agentId));
}

/** A seat for an agent who is invited. Until Accept tells the nickname the agent's id stands for it. */
export function newSeat(centre: Centre, agentId: string, visibility: Visibility): Seat {
  const person = newPerson(centre, { type: "Agent", nickname: agentId, visibility, agentId });
  return { agentId, state: "Invited", person };
}
