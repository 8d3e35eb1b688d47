import { readListing } from "../dialect/listing.ts";
import { type Membership, membershipOf, type Sought } from "../dialect/membership.ts";
import { OWN_SESSIONS, ownSessionPath } from "../dialect/paths.ts";
import type { AgentGet } from "./agent_get.ts";
import type { UpstreamAnswer } from "./call.ts";

/** On whose behalf upstream is asked about which session. */
export interface LookRequest {
  readonly agentId: string;
  /** The names under which the agent may be in it; empty: none is known. */
  readonly nicknames: readonly string[];
  readonly sessionId: string;
  /** As the agent's client last sent it; used in mode `forward` alone. */
  readonly authorization: string | null;
  readonly signal: AbortSignal;
}

/** What a look has shown. */
export interface Look {
  readonly membership: Membership;
  /** Upstream's clock at that moment, in Unix milliseconds (whole seconds); null: not told. */
  readonly dateMs: number | null;
}

/** Asks upstream what an agent is to a session. Throws what `Upstream.call` throws. */
export type SessionLook = (request: LookRequest) => Promise<Look>;

/**
 * Looks by the session's own resource. That resource is documented by a general rule alone, so where it cannot be read the
 * agent's list of sessions decides: a session that a whole list does not have is not the agent's.
 *
 * @param isShared all agents go upstream as one user (mode `basic`), so that what it may see says nothing of a single one
 */
export function createSessionLook(
  { ask, isShared }: { readonly ask: AgentGet; readonly isShared: boolean },
): SessionLook {
  return async ({ sessionId, nicknames, ...asker }) => {
    const sought: Sought = { agentId: asker.agentId, nicknames, isOwn: !isShared };
    const look = (membership: Membership, { dateMs }: UpstreamAnswer) => ({ membership, dateMs });

    const one = await ask({ ...asker, path: ownSessionPath(sessionId) });
    const single = readListing(one);
    const shown = single.ok ? single.sessions.find(({ id }) => id === sessionId) : undefined;
    if (shown?.resource) return look(membershipOf(shown.resource.json, sought), one);

    const all = await ask({ ...asker, path: OWN_SESSIONS, search: "?fields=*" });
    const listing = readListing(all);
    if (!listing.ok) return look("unknown", all);
    const listed = listing.sessions.find(({ id }) => id === sessionId);
    if (listed?.resource) return look(membershipOf(listed.resource.json, sought), all);
    return look(listed === undefined && listing.isWhole ? "out" : "unknown", all);
  };
}
