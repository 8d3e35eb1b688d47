import type { UpstreamAnswer } from "../../contact_centre/rest/call.ts";
import type { EventStore } from "../../store/port/events.ts";
import type { SessionStore } from "../../store/port/sessions.ts";
import type { Clock } from "../../support/clock.ts";
import type { EndMapping } from "./end_mapping.ts";
import type { KnownSessions } from "./known_sessions.ts";

/** What a resync asks of the store. */
export type ResyncStore =
  & Pick<SessionStore, "listSessions" | "readSession" | "firstUnseenMessage">
  & Pick<EventStore, "listEvents">;

export interface ResyncDependencies {
  readonly store: ResyncStore;
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
