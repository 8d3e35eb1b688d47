import {
  type ListedSession,
  type NoAnswer,
  readMessageLog,
} from "../../contact_centre/dialect/listing.ts";
import { newMessagesText } from "../../contact_centre/dialect/notification_texts.ts";
import { messagesPath } from "../../contact_centre/dialect/paths.ts";
import { mayBeTaken } from "../../contact_centre/dialect/states.ts";
import type { ResyncDependencies } from "./resync_dependencies.ts";

/** A notification made here holds at most so many messages. */
const MESSAGES_PER_NOTIFICATION = 100;

/**
 * Tells the messages of open sessions from the first that the store has not seen. Not null: upstream did not tell them, and
 * may do so in a moment. Throws `StoreUnavailable`, and what `ask` throws.
 */
export async function insertMissedMessages(
  { store, ask, insert }: Pick<ResyncDependencies, "store" | "ask" | "insert">,
  openSessions: readonly ListedSession[],
): Promise<NoAnswer | null> {
  // An agent who is merely invited is not told what is said; the history comes with the Accept.
  const heard = openSessions.filter(({ state }) => state === null || !mayBeTaken(state));
  if (heard.length === 0) return null;
  const firstUnseen = await store.firstUnseenMessage(heard.map(({ id }) => id));
  for (const [at, session] of heard.entries()) {
    const from = firstUnseen[at] ?? 1;
    const log = readMessageLog(await ask(messagesPath(session.id), `?startIndex=${from}`));
    if (!log.ok) {
      if (log.passing) return log;
      continue; // The session is over by now, or not for this agent's eyes.
    }
    const missed = log.messages.filter(({ index }) => index >= from);
    for (let start = 0; start < missed.length; start += MESSAGES_PER_NOTIFICATION) {
      const part = missed.slice(start, start + MESSAGES_PER_NOTIFICATION);
      await insert(newMessagesText(session, part.map(({ text }) => text)));
    }
  }
  return null;
}
