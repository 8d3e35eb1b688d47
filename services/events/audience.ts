import type { WebhookCandidate } from "../store/port/events.ts";

/** Whom events go to. The publisher asks; who is registered, and for what, is not its affair. */
export interface Audience {
  /** The listeners as they were when the list was last read, which may be long ago. */
  present(): Promise<Listeners>;
  /** Reads the list anew: the store has said that it changed. Throws `StoreUnavailable` when the store is. */
  refresh(): Promise<Listeners>;
}

/** One version of the list of those who listen. */
export interface Listeners {
  /** Names this version to the store, which refuses what was addressed by an older one. */
  readonly version: number;
  /** The webhooks that asked for events of this type. */
  candidatesFor(eventType: string): readonly WebhookCandidate[];
  /** The webhook of that id alone, whatever it asked for and although it may be disabled. None where there is none. */
  only(webhookId: string): readonly WebhookCandidate[];
}
