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
  /** The last state that upstream has told since the holder's claim; `accepted` until it tells one. */
  readonly state: string;
  readonly acceptedAtMs: number;
  /** The same moment by upstream's clock, in whole seconds. What was said before it does not belong to this mapping's agents. */
  readonly acceptedUpstreamMs: number;
  readonly updatedAtMs: number;
  /** For each seat that Invites and Transfers have left, until when it is open for one further agent; the one that ends first comes first. One in the past has closed. */
  readonly seatsUntilMs: readonly number[];
  /** The last `sequence` that was given to an event; 0 before the first event. */
  readonly sequence: number;
  readonly customer: Customer | null;
}

export interface Participant {
  readonly agentId: string;
  readonly nickname: string;
}

export interface Customer {
  /** The customer's number as upstream told it, not masked. */
  readonly phone: string;
  /** The number of ours that the customer texted, when known. */
  readonly sender: string | null;
}

export interface ClaimRequest {
  readonly sessionId: string;
  readonly agentId: string;
  /** Fresh and unguessable: it names this Accept. */
  readonly token: string;
  readonly nowMs: number;
  /** When the claim ends by itself. */
  readonly untilMs: number;
  /** From then on nobody waits for the Accept's answer, and no seat is kept for it any more; absent: not before the claim ends. */
  readonly doubtFromMs?: number;
}

export type ClaimOutcome =
  /**
   * The session is reserved. `as` says what confirming will make of the agent: `participant` where it took an open seat, but
   * `holder` where a holder's Transfer has left that seat. `isRetry`: the agent has a claim already that is in doubt.
   */
  | {
    readonly outcome: "claimed";
    readonly as: "holder" | "participant";
    readonly isRetry?: true;
  }
  /** The agent is the holder or a participant already; nothing was reserved. */
  | { readonly outcome: "own" }
  /** Another agent holds the session and there is no seat that nobody else is just taking, or it is free and being claimed. */
  | { readonly outcome: "held" };

export interface ConfirmRequest {
  readonly sessionId: string;
  readonly agentId: string;
  readonly nickname: string;
  readonly nowMs: number;
  readonly acceptedUpstreamMs: number;
  /** What the claim said. */
  readonly as: "holder" | "participant";
}

export type ConfirmOutcome =
  /** The agent is mapped, and the event is published. */
  | { readonly outcome: "confirmed"; readonly published: PublishedEvent }
  /** The agent was mapped already (two Accepts of one agent crossed); nothing was published. */
  | { readonly outcome: "already" }
  /**
   * Either the claim has lapsed and another agent holds the session now, or the session whose seat was taken has ended
   * meanwhile; in the second case the agent may still confirm as its holder.
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
  /**
   * The agent may have gone, as the answer to its Transfer, Complete, Leave or Reject got lost: it stays, and one further
   * agent's Accept is let in until then. If it is the holder, it stands in for itself, so that whom upstream lets in becomes
   * the holder.
   */
  | { readonly kind: "maybe-gone"; readonly untilMs: number }
  /** Intrude: the agent becomes a participant without a seat. */
  | { readonly kind: "join"; readonly nickname: string }
  /** Reject by an invited agent who is not in the session: one open seat closes, and there is no event. */
  | { readonly kind: "decline" }
  /**
   * Upstream, or somebody with the right to, says that it is over: the mapping ends whoever is in it, unless it was accepted
   * later than `acceptedByMs`, where that is given. Claims end with it; of a session that is merely claimed they do so without
   * an event.
   */
  | { readonly kind: "release"; readonly acceptedByMs?: number };

export interface EffectRequest {
  readonly sessionId: string;
  /**
   * Who did the operation. `join` and `decline` are for those outside the session, `release` is for anybody, and the others are
   * for those in it.
   */
  readonly agentId: string;
  readonly nowMs: number;
  readonly effect: SessionEffect;
}

export type EffectOutcome =
  /** `published` is null where the effect has no event, as when a seat opens or a participant leaves. */
  | { readonly outcome: "applied"; readonly published: PublishedEvent | null }
  | { readonly outcome: "nothing" }
  | StaleWebhooks;

/** Which agent holds which session. */
export interface SessionStore {
  /**
   * Reserves a session, or a seat in it, for an agent's Accept. A live claim of the same agent stands for this one, too. A free
   * session is claimed by one agent at a time; for a seat, several agents may have claims, but no more are under way than
   * there are seats.
   */
  claimSession(request: ClaimRequest): Promise<ClaimOutcome>;
  /** Turns the agent's claim into the mapping (or into a participant) and publishes `draft`, in one step. */
  confirmSession(
    request: ConfirmRequest,
    draft: EventDraft,
    webhooksVersion: number,
  ): Promise<ConfirmOutcome>;
  /**
   * The Accept with this token was not done: its claim is over, unless other Accepts of the agent still have no answer.
   * `forAll`: those were not done either. Does nothing unless `token` is that of a claim.
   */
  releaseClaim(
    sessionId: string,
    token: string,
    options?: { readonly forAll?: boolean },
  ): Promise<void>;
  /** The answer to an Accept got lost: its claim is in doubt from now on. Does nothing unless `token` is that of one. */
  doubtClaim(
    request: { readonly sessionId: string; readonly token: string; readonly nowMs: number },
  ): Promise<void>;
  /** Does what a successful operation means, and publishes `draft` where that ends the mapping or lets an agent in. */
  applyEffect(
    request: EffectRequest,
    draft: EventDraft | null,
    webhooksVersion: number,
  ): Promise<EffectOutcome>;
  /**
   * The mapping, or null where there is none. Its lifetime begins anew if the agent that `slide` names is in the session: what
   * others ask never extends a mapping.
   */
  readSession(
    sessionId: string,
    options: { readonly nowMs: number; readonly slide: string | false },
  ): Promise<SessionRecord | null>;
  /** The agent whose Accept of a free session is under way or in doubt; null where there is none. */
  claimantOf(sessionId: string, nowMs: number): Promise<string | null>;
  /** Which of these sessions the agent is in, as holder or participant. */
  sessionsOf(
    request: {
      readonly agentId: string;
      readonly sessionIds: readonly string[];
      readonly nowMs: number;
    },
  ): Promise<readonly string[]>;
  /** Mappings by session id, of one agent (as holder) or of all. */
  listSessions(
    page: PageRequest & { readonly agentId?: string; readonly nowMs: number },
  ): Promise<Page<SessionRecord>>;
  /** Sets the customer of a mapped session, and gives the mapping back; null where there is none. */
  setCustomer(
    request: { readonly sessionId: string; readonly customer: Customer; readonly nowMs: number },
  ): Promise<SessionRecord | null>;
  /**
   * For each session the lowest message index, from 1 on, that it has not seen: catching up begins there. It is 1 for a session
   * that nobody has heard of.
   */
  firstUnseenMessage(sessionIds: readonly string[]): Promise<readonly number[]>;
  /**
   * Finds the mapped session of a customer by two numbers: the customer's, and the one of ours that was texted. Each is given
   * in every writing in which a session may have it, as digits alone, without `+` and other signs. A session whose sender
   * is that number goes before those whose sender is not known, which match every number of ours. Of several alike the one
   * accepted last is given; null where none is open.
   */
  findCustomerSession(
    request: {
      readonly customerDigits: readonly string[];
      readonly senderDigits: readonly string[];
      readonly nowMs: number;
    },
  ): Promise<string | null>;
}
