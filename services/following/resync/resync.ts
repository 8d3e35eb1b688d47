import { isTerminal } from "../../contact_centre/dialect/states.ts";
import { tellsNewsOf } from "../../contact_centre/dialect/notification_texts.ts";
import type { SessionRecord } from "../../store/port/sessions.ts";
import { insertMissedMessages } from "./missed_messages.ts";
import {
  findMissedNews,
  insertMembersNews,
  insertStateNews,
  type MissedNews,
} from "./missed_news.ts";
import { readPresentSessions } from "./present_sessions.ts";
import type { ResyncDependencies } from "./resync_dependencies.ts";

/** What a resync found. */
export type ResyncOutcome =
  /** `departed`: so many mappings ended. */
  | { readonly ok: true; readonly departed: number }
  /** Upstream did not tell; `passing`: it may do so in a moment. */
  | { readonly ok: false; readonly passing: boolean; readonly why: string };

const PAGE = 100;

/**
 * Finds out what was missed while nothing was heard, and makes notifications of it in upstream's own shape. First come who is
 * in each session and what is attached to it, as the customer's number may be there, without which no text leaves; then the
 * messages from the first that the store has not seen; then the states that changed; then the end of those mappings that
 * upstream does not know any more. When it fails it is to be repeated as a whole: what was told is not told again.
 *
 * Where all agents share a connection no mapping ends: it is not sure that upstream tells the one user of every agent's
 * session, and releasing wrongly is worse than releasing late.
 *
 * Throws `StoreUnavailable`, and what `ask` throws.
 */
export async function resync(dependencies: ResyncDependencies): Promise<ResyncOutcome> {
  const { agentId, known, clock } = dependencies;
  // Read before upstream is asked: a mapping that exists now and is not in the later answer has ended.
  const observedAtMs = clock.now();
  const mapped = agentId === null ? [] : await allMapped(dependencies, agentId);
  const expectedIds = agentId === null ? [] : [...mapped.map(({ id }) => id), ...known.ids()];

  const present = await readPresentSessions(dependencies, new Set(expectedIds));
  if (!present.ok) return present;
  const found: MissedNews[] = [];
  for (const session of present.sessions) {
    const news = await findMissedNews(dependencies, session, mapped);
    if (news !== null) found.push(news);
  }
  for (const news of found) await insertMembersNews(dependencies, news);
  const open = present.sessions.filter(({ state }) => state === null || !isTerminal(state));
  const failed = await insertMissedMessages(dependencies, open);
  if (failed !== null) return failed;
  for (const news of found) await insertStateNews(dependencies, news);

  if (agentId === null) return { ok: true, departed: 0 };
  let departed = 0;
  for (const sessionId of present.goneIds) {
    if (dependencies.held().some((dataText) => tellsNewsOf(dataText, sessionId, "state"))) continue;
    known.forget(sessionId);
    const end = { sessionId, agentId, observedAtMs, reason: "gone-upstream" } as const;
    if (await dependencies.endMapping(end)) departed++;
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
