import * as v from "valibot";
import type { Clock } from "../support/clock.ts";
import { StoreUnavailable } from "../errors.ts";
import type { ClaimedDelivery, DeliveryStore } from "../store/port/deliveries.ts";

/**
 * How far a text has come, as the store keeps it with the delivery. It is written before and after each call that creates a
 * message, so that whoever takes the delivery up after a crash knows what may have left. It holds no text, and of numbers
 * the last four digits and a keyed hash.
 */
export interface SmsProgress {
  /** Fixed with the first call: the parts keep their number and borders, even if a later version would cut the text otherwise. */
  readonly parts: readonly PartProgress[];
  /** The customer's number and the sender of the parts so far, masked: a look-up for another number would prove nothing. */
  readonly to: string;
  /**
   * The fingerprint of the one number that this text may go to, once a call was begun (`services/sealing/fingerprints.ts`).
   * Absent: no call was, or by a version that kept the masked number alone.
   */
  readonly pin?: string | undefined;
  readonly sender: string;
  readonly tries: Tries;
}

export interface PartProgress {
  /** How many UTF-16 units of the text before it are in no part, as they are blank; absent: none. */
  readonly blankBefore?: number | undefined;
  /** How many UTF-16 units of the text it holds. */
  readonly length: number;
  readonly fate: PartFate;
}

/** What is known of a part. */
export type PartFate =
  /** It surely has not left. `earlier`: calls after which it was looked up and surely absent. */
  | { readonly kind: "waiting"; readonly earlier?: Pick<Begun, "firstAtMs" | "calls"> | undefined }
  | Begun
  /** The provider has it. */
  | { readonly kind: "taken"; readonly sid: string }
  /** Nothing more can be learnt: an operator has to decide. */
  | { readonly kind: "given-up" };

/** A call was about to be made, or was made without a clear answer: the part may have left. */
export interface Begun {
  readonly kind: "begun";
  /** When the first of the calls was begun. */
  readonly firstAtMs: number;
  /** When the last one was. */
  readonly atMs: number;
  /** When it ended; null: the process died before it could write that down. */
  readonly endedAtMs: number | null;
  /** It ended with an answer of the provider's (5xx): nothing of it is still on its way. */
  readonly answered: boolean;
  /** How many calls there were. */
  readonly calls: number;
  /** How often it was looked up since the last call. */
  readonly lookUps: number;
}

/** How often something was tried in vain; each kind has its own ladder. */
export interface Tries {
  readonly limited: number;
  readonly unreached: number;
  readonly numberless: number;
}

export const NO_TRIES: Tries = { limited: 0, unreached: 0, numberless: 0 };

/** The part surely has not left. */
export const WAITING: PartFate = { kind: "waiting" };

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const progressSchema: v.GenericSchema<unknown, SmsProgress> = v.object({
  parts: v.array(v.object({
    blankBefore: v.optional(count),
    length: count,
    fate: v.variant("kind", [
      v.object({
        kind: v.literal("waiting"),
        earlier: v.optional(v.object({ firstAtMs: v.number(), calls: count })),
      }),
      v.object({
        kind: v.literal("begun"),
        firstAtMs: v.number(),
        atMs: v.number(),
        endedAtMs: v.nullable(v.number()),
        answered: v.boolean(),
        calls: count,
        lookUps: count,
      }),
      v.object({ kind: v.literal("taken"), sid: v.string() }),
      v.object({ kind: v.literal("given-up") }),
    ]),
  })),
  to: v.string(),
  pin: v.optional(v.string()),
  sender: v.string(),
  tries: v.object({ limited: count, unreached: count, numberless: count }),
});

/** Reads what was written down; null: nothing yet. `unreadable`: it has another shape. */
export function readProgress(progressJson: string | null): SmsProgress | "unreadable" | null {
  if (progressJson === null) return null;
  try {
    return v.parse(progressSchema, JSON.parse(progressJson));
  } catch {
    return "unreadable";
  }
}

/** The same with another fate of one part, counted from 0. */
function withFate(progress: SmsProgress, at: number, fate: PartFate): SmsProgress {
  return {
    ...progress,
    parts: progress.parts.map((part, index) => (index === at ? { ...part, fate } : part)),
  };
}

/** The same with one more try in vain. */
export function oneMoreTry(progress: SmsProgress, kind: keyof Tries): SmsProgress {
  return { ...progress, tries: { ...progress.tries, [kind]: progress.tries[kind] + 1 } };
}

/** A delivery that somebody has made due by hand starts afresh; what its parts have been through stays. */
export function onNewLadder(progress: SmsProgress): SmsProgress {
  return {
    ...progress,
    tries: NO_TRIES,
    parts: progress.parts.map((part) =>
      part.fate.kind === "begun" ? { ...part, fate: { ...part.fate, lookUps: 0 } } : part
    ),
  };
}

/** The same with every part in doubt given up: nothing more can be learnt of it. */
export function givenUp(progress: SmsProgress): SmsProgress {
  return {
    ...progress,
    parts: progress.parts.map((part) =>
      part.fate.kind === "begun" ? { ...part, fate: { kind: "given-up" } } : part
    ),
  };
}

/**
 * The SIDs of all parts of a text, in their order; null unless the provider is known to have each of them. It is known by what
 * was written down, or by a report on the part, whose SID `reported` gives by the part's number from 1.
 */
export function sidsOfAll(
  progress: ReturnType<typeof readProgress>,
  parts: number,
  reported: (part: number) => string | undefined,
): string[] | null {
  const known = progress === null || progress === "unreadable" ? [] : progress.parts;
  if (known.length > 0 && known.length !== parts) return null;
  const sids = Array.from({ length: parts }, (_, at) => {
    const fate = known[at]?.fate;
    return fate?.kind === "taken" ? fate.sid : reported(at + 1);
  }).filter((sid) => sid !== undefined);
  return sids.length === parts ? sids : null;
}

/** The SIDs of the parts that the provider has, in their order. */
export function sidsOf(progress: ReturnType<typeof readProgress>): string[] {
  if (progress === null || progress === "unreadable") return [];
  return progress.parts.flatMap(({ fate }) => (fate.kind === "taken" ? [fate.sid] : []));
}

/** What has to be known of a text to write down its progress; `progress` moves on with each note. */
export interface NotedText {
  readonly delivery: ClaimedDelivery;
  /** What each part says, in order. */
  readonly bodies: readonly string[];
  progress: SmsProgress;
}

/** The delivery has passed to somebody else; null: it has not, and the note is written. */
export type Fenced = { readonly kind: "fenced" } | null;

/** Writes down what has become of parts (counted from 0), as long as the lease lasts. Throws `StoreUnavailable`. */
export interface ProgressNotes {
  fate(text: NotedText, at: number, fate: PartFate): Promise<Fenced>;
  taken(text: NotedText, at: number, sid: string): Promise<Fenced>;
  /** For a text that cannot be sent, or of which nothing is known but this. */
  whole(delivery: ClaimedDelivery, progress: SmsProgress): Promise<Fenced>;
}

export function createProgressNotes(
  { store, clock }: { readonly store: Pick<DeliveryStore, "noteProgress">; readonly clock: Clock },
): ProgressNotes {
  const notes: ProgressNotes = {
    async fate(text, at, fate) {
      text.progress = withFate(text.progress, at, fate);
      return await notes.whole(text.delivery, text.progress);
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
    async whole({ id: deliveryId, leaseToken }, progress) {
      const progressJson = JSON.stringify(progress);
      const nowMs = clock.now();
      const noted = await store.noteProgress({ deliveryId, leaseToken, progressJson, nowMs });
      return noted ? null : { kind: "fenced" };
    },
  };
  return notes;
}
