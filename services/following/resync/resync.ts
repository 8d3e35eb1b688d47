import {
  type ListedSession,
  type NoAnswer,
  readListing,
  readMessageLog,
} from "../../contact_centre/dialect/listing.ts";
import {
  newMessagesText,
  statusChangeText,
  tellsStateOf,
} from "../../contact_centre/dialect/notification_texts.ts";
import {
  climbsPath,
  messagesPath,
  OWN_SESSIONS,
  ownSessionPath,
} from "../../contact_centre/dialect/paths.ts";
import { isTerminal, mayBeTaken } from "../../contact_centre/dialect/states.ts";
import type { UpstreamAnswer } from "../../contact_centre/rest/call.ts";
import type { SessionRecord, SessionStore } from "../../store/port/sessions.ts";
import type { Clock } from "../../support/clock.ts";
import type { JsonObject } from "../../support/json_object.ts";
import type { EndMapping } from "./end_mapping.ts";
import type { KnownSessions } from "./known_sessions.ts";

export interface ResyncDependencies {
  readonly store: Pick<SessionStore, "listSessions" | "readSession" | "firstUnseenMessage">;
  readonly endMapping: EndMapping;
  readonly known: KnownSessions;
  readonly clock: Clock;
  /** Asks upstream below `/api/v2`. Throws what `Upstream.call` throws. */
  readonly ask: (path: string, search?: string) => Promise<UpstreamAnswer>;
  /** Hands a notification's text to the store, before anything that was heard since the handshake. */
  readonly insert: (dataText: string) => Promise<void>;
  /** What was heard since the handshake and waits. */
  readonly held: () => readonly string[];
  /** Whose connection this is; null: all agents share it. */
  readonly agentId: string | null;
}

/** What a resync found. */
export type ResyncOutcome =
  /** `departed`: so many mappings ended. */
  | { readonly ok: true; readonly departed: number }
  /** Upstream did not tell; `passing`: it may do so in a moment. */
  | { readonly ok: false; readonly passing: boolean; readonly why: string };

/** A notification made here holds at most so many messages. */
const MESSAGES_PER_NOTIFICATION = 100;

const PAGE = 100;

/**
 * Finds out what was missed while nothing was heard, and makes notifications of it in upstream's own shape: first the
 * messages from the first that the store has not seen, then the states that changed, then the end of those mappings that
 * upstream does not list any more. When it fails it is to be repeated as a whole; the store drops what it has seen.
 *
 * Where all agents share a connection no mapping ends: it is not sure that upstream tells the one user of every agent's
 * session, and releasing wrongly is worse than releasing late.
 *
 * Throws `StoreUnavailable`, and what `ask` throws.
 */
export async function resync(dependencies: ResyncDependencies): Promise<ResyncOutcome> {
  const { agentId, ask, known, clock } = dependencies;
  // Read before upstream is asked: a mapping that exists now and is not in the later answer has ended.
  const observedAtMs = clock.now();
  const mapped = agentId === null ? [] : await allMapped(dependencies, agentId);
  const knownBefore = known.ids();

  const listing = readListing(await ask(OWN_SESSIONS, "?fields=*"));
  if (!listing.ok) return listing;
  const open = listing.sessions.filter(({ state }) => state === null || !isTerminal(state));
  const failed = await insertMessages(dependencies, open);
  if (failed !== null) return failed;
  for (const session of listing.sessions) {
    await insertState(dependencies, session, mapped);
  }
  if (agentId === null || !listing.isWhole) return { ok: true, departed: 0 };

  const listed = new Set(listing.sessions.map(({ id }) => id));
  const missing = new Set(
    [...mapped.map(({ id }) => id), ...knownBefore].filter((id) => !listed.has(id)),
  );
  let departed = 0;
  for (const sessionId of missing) {
    if (await endIfOver(dependencies, { sessionId, agentId, observedAtMs })) departed++;
  }
  return { ok: true, departed };
}

async function allMapped(
  { store, clock }: ResyncDependencies,
  agentId: string,
): Promise<readonly SessionRecord[]> {
  const mapped: SessionRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listSessions({
      limit: PAGE,
      agentId,
      nowMs: clock.now(),
      ...(cursor === undefined ? {} : { cursor }),
    });
    mapped.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return mapped;
}

async function insertMessages(
  { store, ask, insert }: ResyncDependencies,
  sessions: readonly ListedSession[],
): Promise<NoAnswer | null> {
  // An agent who is merely invited is not told what is said; the history comes with the Accept.
  const heard = sessions.filter(({ state }) => state === null || !mayBeTaken(state));
  if (heard.length === 0) return null;
  const firstUnseen = await store.firstUnseenMessage(heard.map(({ id }) => id));
  for (const [at, session] of heard.entries()) {
    if (climbsPath(session.id)) continue;
    const from = firstUnseen[at] ?? 1;
    const answer = await ask(messagesPath(session.id), `?startIndex=${from}`);
    const log = readMessageLog(answer);
    if (!log.ok) {
      if (log.passing) return log;
      continue; // The session is over by now, or not for this agent's eyes.
    }
    const missed = log.messages.filter(({ index }) => index >= from);
    for (let start = 0; start < missed.length; start += MESSAGES_PER_NOTIFICATION) {
      const part = missed.slice(start, start + MESSAGES_PER_NOTIFICATION);
      await insert(newMessagesText(session, part.map(({ verbatim }) => verbatim)));
    }
  }
  return null;
}

/** Tells a state that the store does not know, unless a notification that waits is about to tell it. */
async function insertState(
  dependencies: ResyncDependencies,
  { id, state, resource }: ListedSession,
  mapped: readonly SessionRecord[],
): Promise<void> {
  const { store, insert, known, clock } = dependencies;
  if (state === null || resource === null || known.stateOf(id) === state) return;
  const mapping = mapped.find((session) => session.id === id) ??
    await store.readSession(id, { nowMs: clock.now(), slide: false });
  // Upstream still lists a finished session that nobody here was in: that is no news.
  if (mapping === null && known.stateOf(id) === undefined && isTerminal(state)) return;
  if (mapping?.state === state || isToldOf(dependencies, id)) {
    if (!isTerminal(state)) known.note(id, state, "told");
    return;
  }
  await insert(statusChangeText(resource));
}

/** Upstream does not list this session. True: a mapping has ended by it. */
async function endIfOver(
  dependencies: ResyncDependencies,
  mapping: { readonly sessionId: string; readonly agentId: string; readonly observedAtMs: number },
): Promise<boolean> {
  const { sessionId } = mapping;
  if (isToldOf(dependencies, sessionId)) return false;
  const fate = await fateOf(dependencies, sessionId);
  if (fate.kind === "open") return false;
  if (fate.kind === "over") {
    await dependencies.insert(statusChangeText(fate.resource));
    return false;
  }
  dependencies.known.forget(sessionId);
  return await dependencies.endMapping({ ...mapping, reason: "gone-upstream" });
}

/** What became of a session that upstream does not list. */
type Fate =
  /** It is not over, or there is no telling. */
  | { readonly kind: "open" }
  /** It is over, and upstream has its last state. */
  | { readonly kind: "over"; readonly resource: JsonObject }
  /** Upstream knows nothing of it any more. */
  | { readonly kind: "gone" };

const OPEN: Fate = { kind: "open" };

/** Asks for a session by itself, as a list may be cut short, and that of an upstream that has just restarted may be empty. */
async function fateOf({ ask }: ResyncDependencies, sessionId: string): Promise<Fate> {
  if (climbsPath(sessionId)) return OPEN;
  const single = readListing(await ask(ownSessionPath(sessionId)));
  if (!single.ok) return single.isAbsent ? { kind: "gone" } : OPEN;
  const [session] = single.sessions;
  if (session === undefined || session.id !== sessionId || session.state === null) return OPEN;
  if (!isTerminal(session.state)) return OPEN;
  return session.resource === null
    ? { kind: "gone" }
    : { kind: "over", resource: session.resource };
}

/** Whether something that was heard since the handshake, and waits, is about to tell the session's state. */
function isToldOf({ held }: ResyncDependencies, sessionId: string): boolean {
  return held().some((dataText) => tellsStateOf(dataText, sessionId));
}
