import { observe } from "../../contact_centre/dialect/observe.ts";
import { membersTold, type SessionMembers } from "../../contact_centre/dialect/session_members.ts";
import type { EventStore } from "../../store/port/events.ts";
import { isJsonObject } from "../../support/json_object.ts";
import { memberOf, parseSpelled, type SpelledJson } from "../../support/spelled_json.ts";
import type { ToldBefore } from "./session_news.ts";

/** What the kept events tell of a session, whichever instance published them and however it heard. */
export interface ToldInStore extends ToldBefore {
  /** The state that was told last. */
  readonly state: string | null;
}

const TELLING_TYPES = [
  "session.status_changed",
  "session.participants_updated",
  "session.properties_updated",
] as const;

const PAGE = 100;

/** A member's last word, and when it was said. */
type LastWords = Map<string, { readonly sequence: number; readonly word: string }>;

/**
 * Reads what was told last of each member. Null: no event tells anything. Capabilities are left out: they may be those of
 * another agent. Throws `StoreUnavailable`.
 */
export async function readToldInStore(
  store: Pick<EventStore, "listEvents">,
  sessionId: string,
): Promise<ToldInStore | null> {
  const last: LastWords = new Map();
  let isErased = false;
  let isTold = false;
  for (const type of TELLING_TYPES) {
    let cursor: string | undefined;
    do {
      const page = await store.listEvents({
        sessionId,
        type,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { dataJson, sequence } of page.items) {
        isTold = true;
        const notification = notificationIn(dataJson);
        if (notification === null) isErased = true;
        else noteWords(last, wordsOf(type, notification), sequence ?? 0);
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }
  if (!isTold) return null;
  const { state, ...members } = Object.fromEntries(
    [...last].map(([name, { word }]) => [name, word]),
  );
  return { state: state ?? null, members, isErased };
}

function wordsOf(
  type: typeof TELLING_TYPES[number],
  notification: SpelledJson,
): Omit<SessionMembers, "capabilities"> & { readonly state?: string } {
  const { capabilities: _, ...members } = membersTold(notification);
  const { state } = isJsonObject(notification.json) ? observe(notification.json) : {};
  return type === "session.status_changed" && state !== undefined ? { ...members, state } : members;
}

function noteWords(
  last: LastWords,
  words: Readonly<Record<string, string>>,
  sequence: number,
): void {
  for (const [name, word] of Object.entries(words)) {
    const known = last.get(name);
    if (known === undefined || known.sequence <= sequence) last.set(name, { sequence, word });
  }
}

/** Null: the event is expunged. */
function notificationIn(dataJson: string): SpelledJson | null {
  const data = parseSpelled(dataJson);
  return data === null ? null : memberOf(data, "notification");
}
