import type { Clock } from "../support/clock.ts";
import { StoreUnavailable } from "../errors.ts";
import type { ClaimedDelivery, DeliveryStore } from "../store/port/deliveries.ts";
import type { OpenText } from "./open_text.ts";
import {
  NO_TRIES,
  type PartFate,
  type SmsProgress,
  type Tries,
  withFate,
  writeProgress,
} from "./progress.ts";
import type { SmsFinding } from "./sms_decision.ts";

/** A text that an attempt carries on, with what is known of it by now. */
export interface Text extends Omit<OpenText, "progress"> {
  readonly delivery: ClaimedDelivery;
  readonly signal: AbortSignal;
  readonly startedAtMs: number;
  progress: SmsProgress;
}

/** How a step ended the attempt; null: on to the next. */
export type Step = Promise<SmsFinding | null>;

/** It surely has not left. */
export const WAITING: PartFate = { kind: "waiting" };

/** Writes down what has become of parts (counted from 0), as far as the lease lasts. Throws `StoreUnavailable`. */
export interface TextNotes {
  fate(text: Text, at: number, fate: PartFate): Step;
  taken(text: Text, at: number, sid: string): Step;
  /** False: the delivery has passed to somebody else. */
  progress(delivery: ClaimedDelivery, progress: SmsProgress): Promise<boolean>;
}

export function createTextNotes(
  { store, clock }: { readonly store: Pick<DeliveryStore, "noteProgress">; readonly clock: Clock },
): TextNotes {
  const notes: TextNotes = {
    async fate(text, at, fate) {
      text.progress = withFate(text.progress, at, fate);
      return await notes.progress(text.delivery, text.progress) ? null : { kind: "fenced" };
    },
    async taken(text, at, sid) {
      // The next part is a message of its own, with as many tries.
      text.progress = { ...text.progress, tries: NO_TRIES };
      try {
        return await notes.fate(text, at, { kind: "taken", sid });
      } catch (error) {
        // After the last part settling writes the SID down as well, and is repeated until the store is back.
        if (error instanceof StoreUnavailable && at === text.bodies.length - 1) return null;
        throw error;
      }
    },
    progress({ id: deliveryId, leaseToken }, progress) {
      const progressJson = writeProgress(progress);
      return store.noteProgress({ deliveryId, leaseToken, progressJson, nowMs: clock.now() });
    },
  };
  return notes;
}

/** The same with one more try in vain. */
export function oneMoreTry(progress: SmsProgress, kind: keyof Tries): SmsProgress {
  return { ...progress, tries: { ...progress.tries, [kind]: progress.tries[kind] + 1 } };
}
