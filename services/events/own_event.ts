import type { RecordGuard } from "../store/port/records.ts";

/** An event of Patchbay's own: something that Patchbay did or found out, which no notification tells. */
export interface OwnEvent {
  readonly type: string;
  /** Null where the event belongs to no session. */
  readonly sessionId: string | null;
  /** The members of the event's `data` beside the ids that every event has (DESIGN §8). */
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * An event of Patchbay's own whose id was chosen, and written down, before it is published. The store publishes an id
 * once, however often it is asked to.
 */
export interface IdentifiedEvent extends OwnEvent {
  readonly id: string;
  readonly occurredAtMs: number;
  /** The event is published only while this holds. */
  readonly guard?: RecordGuard;
}
