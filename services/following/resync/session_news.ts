import { NOTHING_SAID, type SessionMembers } from "../../contact_centre/dialect/session_members.ts";

/** What has been told of a session so far. */
export interface ToldBefore {
  readonly members: SessionMembers;
  /** What was told is erased at somebody's wish, so that a member which is missing was told and is not known. */
  readonly isErased: boolean;
}

/** Which notifications upstream must have sent unheard, beside the one of a new state. */
export interface MembersNews {
  readonly participants: boolean;
  readonly properties: boolean;
}

const NONE: MembersNews = { participants: false, properties: false };

/**
 * Compares what upstream lists of a session with what has been told of it. Pure.
 *
 * Capabilities change with the state and with who takes part: a notification of either brings them, and only a change that
 * comes alone is told by itself. Of a session that is over nobody wants to know who is in it and what may be done, but an
 * agent may have attached the disposition just before.
 */
export function newsOfMembers(
  listed: SessionMembers,
  before: ToldBefore | null,
  { isIntroduced, isOver, isStateNews }: {
    /** Whoever hears of this session has heard of it before: it is mapped, or something was told. */
    readonly isIntroduced: boolean;
    readonly isOver: boolean;
    readonly isStateNews: boolean;
  },
): MembersNews {
  // The StatusChange that introduces a session tells all of it.
  if (!isIntroduced) return NONE;
  const told = { ...(before?.isErased === true ? listed : NOTHING_SAID), ...before?.members };
  const differs = (member: keyof SessionMembers) =>
    listed[member] !== undefined && listed[member] !== told[member];
  const participants = !isOver && differs("participants");
  const capabilities = told.capabilities !== undefined && differs("capabilities");
  return {
    participants,
    properties: differs("userData") || (capabilities && !isOver && !isStateNews && !participants),
  };
}
