import {
  type ListedSession,
  type NoAnswer,
  readListing,
} from "../../contact_centre/dialect/listing.ts";
import { OWN_SESSIONS, ownSessionPath } from "../../contact_centre/dialect/paths.ts";
import type { ResyncDependencies } from "./resync_dependencies.ts";

/** The agent's sessions as upstream knows them now. */
export interface PresentSessions {
  readonly ok: true;
  /** Those that are listed, and those that are not and that upstream tells when asked for by themselves. */
  readonly sessions: readonly ListedSession[];
  /** Those that upstream knows nothing of any more. */
  readonly goneIds: readonly string[];
}

/**
 * Reads the list, and each of `expectedIds` that is not in it by itself: a list may be cut short, and that of an upstream that
 * has just restarted may be empty. So it does with sessions of which the list has nothing but an address. Throws what `ask`
 * throws.
 */
export async function readPresentSessions(
  { ask }: Pick<ResyncDependencies, "ask">,
  expectedIds: ReadonlySet<string>,
): Promise<PresentSessions | NoAnswer> {
  const listing = readListing(await ask(OWN_SESSIONS, "?fields=*"));
  if (!listing.ok) return listing;
  const sessions: ListedSession[] = [];
  for (const session of listing.sessions) {
    const answer = session.resource === null ? await askFor(ask, session.id) : null;
    sessions.push(answer?.kind === "told" ? answer.session : session);
  }
  const listedIds = new Set(listing.sessions.map(({ id }) => id));
  const goneIds: string[] = [];
  for (const id of expectedIds) {
    if (listedIds.has(id)) continue;
    const answer = await askFor(ask, id);
    if (answer.kind === "told") sessions.push(answer.session);
    else if (answer.kind === "gone" && listing.isWhole) goneIds.push(id);
  }
  return { ok: true, sessions, goneIds };
}

/** What upstream says of one session. */
type SingleAnswer =
  | { readonly kind: "told"; readonly session: ListedSession }
  | { readonly kind: "gone" }
  /** There is no telling. */
  | { readonly kind: "unclear" };

async function askFor(ask: ResyncDependencies["ask"], sessionId: string): Promise<SingleAnswer> {
  const single = readListing(await ask(ownSessionPath(sessionId)));
  if (!single.ok) return { kind: single.isAbsent ? "gone" : "unclear" };
  const [session] = single.sessions;
  return session === undefined || session.id !== sessionId || session.state === null
    ? { kind: "unclear" }
    : { kind: "told", session };
}
