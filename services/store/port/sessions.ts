import type { EventDraft, PublishedEvent } from "./events.ts";
import type { Page, PageRequest } from "./paging.ts";
import type { StaleWebhooks } from "./webhooks.ts";

/** A mapped session. A mere claim is not one. */
export interface SessionRecord {
  readonly id: string;
  /** The holder. */
  readonly agentId: string;
  readonly nickname: string;
  /** Further agents let in, in the order in which they came. */
  readonly participants: readonly Participant[];
  /** The last state that upstream told since the holder's claim; `accepted` while it has told none. */
  readonly state: string;
  readonly acceptedAtMs: number;
  /** The same moment by upstream's clock, in whole seconds: what was said before it was not this mapping's agents' to send. */
  readonly acceptedUpstreamMs: number;
  readonly updatedAtMs: number;
  /** Until when an Invite's seat is open for one further agent; 0: there is none, and one in the past has closed. */
  readonly seatUntilMs: number;
  /** The last `sequence` given out, 0 before the first event. */
  readonly sequence: number;
  readonly customer: Customer | null;
}

export interface Participant {
  readonly agentId: string;
  readonly nickname: string;
}

export interface Customer {
  /** The customer's number as it was told, not masked. */
  readonly phone: string;
  /** The number of ours that the customer texted, when known. */
  readonly sender: string | null;
}

export interface ClaimRequest {
  readonly sessionId: string;
  readonly agentId: string;
  /** Fresh and unguessable: a later release with another token does nothing. */
  readonly token: string;
  readonly nowMs: number;
  /** When the claim lapses by itself. */
  readonly untilMs: number;
}

export type ClaimOutcome =
  /**
   * Reserved. `as` says what confirming will make of the agent: `participant` when an open seat was taken, but `holder` when
   * it is the seat that a holder's Transfer has left.
   */
  | { readonly outcome: "claimed"; readonly as: "holder" | "participant" }
  /** The agent already is the holder or a participant; nothing was reserved. */
  | { readonly outcome: "own" }
  /** Another agent holds the session (and left no open seat), or is just claiming it. */
  | { readonly outcome: "held" };

export interface ConfirmRequest {
  readonly sessionId: string;
  readonly agentId: string;
  readonly nickname: string;
  readonly nowMs: number;
  readonly acceptedUpstreamMs: number;
  /** As the claim said. */
  readonly as: "holder" | "participant";
}

export type ConfirmOutcome =
  /** Mapped, and the event published. */
  | { readonly outcome: "confirmed"; readonly published: PublishedEvent }
  /** The agent was mapped already (two Accepts of one agent crossed); nothing was published. */
  | { readonly outcome: "already" }
  /**
   * The claim had lapsed and another agent holds the session now, or the session whose seat was taken has ended meanwhile: then
   * the agent may still confirm as its holder.
   */
  | { readonly outcome: "lost" }
  | StaleWebhooks;

/**
 * What a successful operation does to the mapping (DESIGN §6). Where the mapping ends, the texts of its time may still come in
 * for a while ({@link EventDraft.smsMessages}).
 */
export type SessionEffect =
  /** Invite, Consult: one further agent's Accept is let in until then. */
  | { readonly kind: "open-seat"; readonly untilMs: number }
  /** Complete: the mapping ends for everybody. */
  | { readonly kind: "end" }
  /**
   * Transfer: the agent goes as with `leave`, and where others stay one further agent's Accept is let in until then. If it was
   * the holder who went, the first participant stands in, and that further agent becomes the holder.
   */
  | { readonly kind: "hand-over"; readonly untilMs: number }
  /** Leave, Reject: the agent goes; the first participant becomes holder, and without one the mapping ends. */
  | { readonly kind: "leave" }
  /** Intrude: the agent becomes a participant without a seat. */
  | { readonly kind: "join"; readonly nickname: string }
  /** Reject by an invited agent who is not in the session: the open seat closes, without an event. */
  | { readonly kind: "decline" };

export interface EffectRequest {
  readonly sessionId: string;
  /** Who did the operation; `join` and `decline` are for those outside the session, the others for those in it. */
  readonly agentId: string;
  readonly nowMs: number;
  readonly effect: SessionEffect;
}

export type EffectOutcome =
  /** `published` is null where the effect has no event (a seat opened, a participant left). */
  | { readonly outcome: "applied"; readonly published: PublishedEvent | null }
  | { readonly outcome: "nothing" }
  | StaleWebhooks;

/** Who holds what. */
export interface SessionStore {
  /** Reserves a session for an agent's Accept. The present agent's own live claim is taken over by the new token. */
  claimSession(request: ClaimRequest): Promise<ClaimOutcome>;
  /** Turns the agent's claim into the mapping (or into a participant) and publishes `draft`, in one step. */
  confirmSession(
    request: ConfirmRequest,
    draft: EventDraft,
    webhooksVersion: number,
  ): Promise<ConfirmOutcome>;
  /** Gives a claim back; does nothing unless `token` is the live claim's. */
  releaseClaim(sessionId: string, token: string): Promise<void>;
  /** Applies what a successful operation means; publishes `draft` where the effect ends the mapping or lets an agent in. */
  applyEffect(
    request: EffectRequest,
    draft: EventDraft | null,
    webhooksVersion: number,
  ): Promise<EffectOutcome>;
  /** The mapping, or null; slides its lifetime when `slide` is set. */
  readSession(
    sessionId: string,
    options: { readonly nowMs: number; readonly slide: boolean },
  ): Promise<SessionRecord | null>;
  /** Mappings by session id, of one agent (as holder) or of all. */
  listSessions(
    page: PageRequest & { readonly agentId?: string; readonly nowMs: number },
  ): Promise<Page<SessionRecord>>;
  /** Sets the customer of a mapped session; null: no such mapping. */
  setCustomer(
    request: { readonly sessionId: string; readonly customer: Customer; readonly nowMs: number },
  ): Promise<SessionRecord | null>;
  /**
   * Per session the lowest message index from 1 on that it has not seen: where catching up begins. 1 for a session never
   * heard of.
   */
  firstUnseenMessage(sessionIds: readonly string[]): Promise<readonly number[]>;
  /**
   * The mapped session of a customer: by the customer's number and the number of ours that was texted, digits alone, `+` and
   * other signs left out. A session whose sender is not known matches any. The one accepted last wins; null: none is open.
   */
  findCustomerSession(
    request: {
      readonly customerDigits: string;
      readonly senderDigits: string;
      readonly nowMs: number;
    },
  ): Promise<string | null>;
}
