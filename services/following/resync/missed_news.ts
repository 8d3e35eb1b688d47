import type { ListedSession } from "../../contact_centre/dialect/listing.ts";
import { sessionNewsText, tellsNewsOf } from "../../contact_centre/dialect/notification_texts.ts";
import { sessionMembersOf } from "../../contact_centre/dialect/session_members.ts";
import { isTerminal } from "../../contact_centre/dialect/states.ts";
import type { SessionRecord } from "../../store/port/sessions.ts";
import type { SpelledJson } from "../../support/spelled_json.ts";
import type { ResyncDependencies } from "./resync_dependencies.ts";
import { type MembersNews, newsOfMembers, type ToldBefore } from "./session_news.ts";
import { readToldInStore } from "./told_in_store.ts";

/** What was missed of one session, apart from its messages. */
export interface MissedNews extends MembersNews {
  readonly id: string;
  readonly resource: SpelledJson;
  readonly state: string;
  readonly isStateNews: boolean;
  readonly isOver: boolean;
}

type NewsDependencies = Pick<
  ResyncDependencies,
  "store" | "known" | "clock" | "insert" | "held"
>;

/**
 * Compares what upstream says of a session with what has been told of it: by what this connection remembers, and where that
 * differs, or nothing is remembered, by the kept events. Null where upstream says nothing but that it exists. Throws
 * `StoreUnavailable`.
 */
export async function findMissedNews(
  { store, known, clock }: NewsDependencies,
  { id, state, resource }: ListedSession,
  mapped: readonly SessionRecord[],
): Promise<MissedNews | null> {
  if (resource === null || state === null) return null;
  const ownMapping = mapped.find((session) => session.id === id);
  const mapping = ownMapping ?? await store.readSession(id, { nowMs: clock.now(), slide: false });
  const isOver = isTerminal(state);
  const knownState = known.stateOf(id);
  // Upstream still lists a finished session that nobody here was in: that is no news.
  const isNobodys = mapping === null && knownState === undefined;
  if (isNobodys && isOver) return null;

  const listed = sessionMembersOf(resource);
  // An agent who is still in a session that is over has not been told, whatever state the mapping has by now.
  let isStateNews = isOver && ownMapping !== undefined ||
    knownState !== state && mapping?.state !== state;
  const compare = (before: ToldBefore | null) =>
    newsOfMembers(listed, before, {
      isIntroduced: !isNobodys || before !== null,
      isOver,
      isStateNews,
    });
  const remembered = known.members.of(id);
  let before = remembered === undefined ? null : { members: remembered, isErased: false };
  let news = compare(before);
  if (before === null || news.participants || news.properties) {
    const stored = await readToldInStore(store, id);
    if (isNobodys && stored?.state === state) isStateNews = false;
    if (stored !== null) {
      const isErased = stored.isErased;
      before = { members: { ...remembered, ...stored.members }, isErased };
    }
    news = compare(before);
  }
  return { id, resource, state, isStateNews, isOver, ...news };
}

/** Tells who is in the session and what is attached to it, unless a notification that waits is about to tell. */
export async function insertMembersNews(
  { known, insert, held }: NewsDependencies,
  { id, resource, ...news }: MissedNews,
): Promise<void> {
  for (const kind of ["participants", "properties"] as const) {
    if (news[kind] && !held().some((dataText) => tellsNewsOf(dataText, id, kind))) {
      await insert(sessionNewsText(kind, resource));
    }
  }
  // What is news is remembered once it is written. The rest need not be looked for in the events again.
  if (!news.participants && !news.properties && !news.isOver) {
    known.members.note(id, sessionMembersOf(resource));
  }
}

/** Tells the state where it is news, unless a notification that waits is about to tell it. */
export async function insertStateNews(
  { known, insert, held }: NewsDependencies,
  { id, resource, state, isStateNews, isOver }: MissedNews,
): Promise<void> {
  if (isStateNews && !held().some((dataText) => tellsNewsOf(dataText, id, "state"))) {
    await insert(sessionNewsText("state", resource));
  } else if (!isOver) known.note(id, state, "told");
}
