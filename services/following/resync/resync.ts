import type { Clock } from "../../support/clock.ts";
import type { JsonObject } from "../../support/json_object.ts";
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
import type { SessionRecord, SessionStore } from "../../store/port/sessions.ts";
import type { UpstreamAnswer } from "../../contact_centre/rest/exchange.ts";
import type { Depart } from "./end_mapping.ts";
import type { KnownSessions } from "./known_sessions.ts";
import {
  type ListedSession,
  type NoAnswer,
  readListing,
  readMessageLog,
} from "../../contact_centre/dialect/listing.ts";

export interface ResyncDependencies {
  readonly store: Pick<SessionStore, "listSessions" | "readSession" | "firstUnseenMessage">;
  readonly depart: Depart;
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
  | { readonly ok: true; readonly departed: number }
  /** Upstream did not tell; `passing`: it may do so in a moment. */
  | { readonly ok: false; readonly passing: boolean; readonly why: string };

/** A notification made here holds at most so many messages. */
export const MESSAGES_PER_NOTIFICATION = 100;

const PAGE = 100;

/**
 * Finds out what was missed while nothing was heard, and makes notifications of it in upstream's own shape: first the
 * messages from the first that the store has not seen, then the states that changed, then the agent's mappings that
 * upstream knows nothing of any more. To be repeated as a whole when it fails; the store drops what it has seen.
 *
 * Where all agents share a connection nothing is released: that one user is not told of every agent's session for sure,
 * and releasing wrongly is worse than releasing late.
 *
 * Throws `StoreUnavailable`, and what `ask` throws.
 */
export async function resync(dependencies: ResyncDependencies): Promise<ResyncOutcome> {
  const { agentId, ask, known, clock } = dependencies;
  // Before upstream is asked: a mapping that exists now and is not in a later answer has ended.
  const asOfMs = clock.now();
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
    if (isToldOf(dependencies, sessionId)) continue;
    const fate = await fateOf(dependencies, sessionId);
    if (fate === null) continue;
    if (fate.resource !== null) {
      await dependencies.insert(statusChangeText(fate.resource));
      continue;
    }
    known.forget(sessionId);
    if (await dependencies.depart({ sessionId, agentId, reason: "gone-upstream", asOfMs })) {
      departed++;
    }
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
      continue; // over in the meantime, or not for this agent's eyes
    }
    const missed = log.messages.filter(({ index }) => index >= from);
    for (let start = 0; start < missed.length; start += MESSAGES_PER_NOTIFICATION) {
      const part = missed.slice(start, start + MESSAGES_PER_NOTIFICATION);
      await insert(newMessagesText(session, part.map(({ verbatim }) => verbatim)));
    }
  }
  return null;
}

/** A state that the store does not know, and that no notification is about to tell. */
async function insertState(
  dependencies: ResyncDependencies,
  { id, state, resource }: ListedSession,
  mapped: readonly SessionRecord[],
): Promise<void> {
  const { store, insert, known, clock } = dependencies;
  if (state === null || resource === null || known.stateOf(id) === state) return;
  const mapping = mapped.find((session) => session.id === id) ??
    await store.readSession(id, { nowMs: clock.now(), slide: false });
  // A finished session that upstream still lists, and that nobody here was in, is no news.
  if (mapping === null && known.stateOf(id) === undefined && isTerminal(state)) return;
  if (mapping?.state === state || isToldOf(dependencies, id)) {
    if (!isTerminal(state)) known.note(id, state, "told");
    return;
  }
  await insert(statusChangeText(resource));
}

/**
 * Asks for a session by itself, as a list may be cut short and a restarting upstream's may be empty. Null: it is not over,
 * or there is no telling. Otherwise it is, and `resource` is its last word where upstream still has one.
 */
async function fateOf(
  { ask }: ResyncDependencies,
  sessionId: string,
): Promise<{ readonly resource: JsonObject | null } | null> {
  if (climbsPath(sessionId)) return null;
  const single = readListing(await ask(ownSessionPath(sessionId)));
  if (!single.ok) return single.isAbsent ? { resource: null } : null;
  const [session] = single.sessions;
  if (session === undefined || session.id !== sessionId || session.state === null) return null;
  return isTerminal(session.state) ? session : null;
}

/** What was heard since the handshake is about to tell the session's state. */
function isToldOf({ held }: ResyncDependencies, sessionId: string): boolean {
  return held().some((dataText) => tellsStateOf(dataText, sessionId));
}
