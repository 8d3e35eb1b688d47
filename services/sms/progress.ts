import * as v from "valibot";

/**
 * How far a text has come, as the store keeps it with the delivery. It is written before and after each call that creates a
 * message, so that whoever takes the delivery up after a crash knows what may have left. It holds no text, and of numbers
 * the last four digits.
 */
export interface SmsProgress {
  /** Fixed with the first call: the parts keep their number and their borders whatever later versions would make of the text. */
  readonly parts: readonly PartProgress[];
  /** Where to and from the parts went so far, masked: a look-up for another number would prove nothing. */
  readonly to: string;
  readonly sender: string;
  readonly tries: Tries;
}

export interface PartProgress {
  /** How many UTF-16 units of the text it holds. */
  readonly length: number;
  readonly fate: PartFate;
}

/** What is known of a part. */
export type PartFate =
  /** It surely has not left. `earlier`: calls after which it was looked up and surely absent. */
  | { readonly kind: "waiting"; readonly earlier?: Pick<Begun, "firstAtMs" | "calls"> | undefined }
  | Begun
  /** Twilio has it. */
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
  /** When it ended; null: that was never written down, the process died. */
  readonly endedAtMs: number | null;
  /** It ended with an answer of Twilio's (5xx): nothing of it is still on its way. */
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

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const progressSchema: v.GenericSchema<unknown, SmsProgress> = v.object({
  parts: v.array(v.object({
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
  sender: v.string(),
  tries: v.object({ limited: count, unreached: count, numberless: count }),
});

/** What was written down; null: nothing yet. `unreadable`: it was not written by {@link writeProgress}. */
export function readProgress(progressJson: string | null): SmsProgress | "unreadable" | null {
  if (progressJson === null) return null;
  try {
    return v.parse(progressSchema, JSON.parse(progressJson));
  } catch {
    return "unreadable";
  }
}

export function writeProgress(progress: SmsProgress): string {
  return JSON.stringify(progress);
}

/** The same with another fate of one part, counted from 0. */
export function withFate(progress: SmsProgress, at: number, fate: PartFate): SmsProgress {
  return {
    ...progress,
    parts: progress.parts.map((part, index) => (index === at ? { ...part, fate } : part)),
  };
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

/** Of whatever is in doubt nothing more can be learnt. */
export function givenUp(progress: SmsProgress): SmsProgress {
  return {
    ...progress,
    parts: progress.parts.map((part) =>
      part.fate.kind === "begun" ? { ...part, fate: { kind: "given-up" } } : part
    ),
  };
}

/**
 * The SIDs of all parts of a text, in their order, when Twilio is known to have each of them: by what was written down, or by
 * a report of Twilio's on the part, whose SID `reported` gives by the part's number from 1. Null: not each.
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

/** The SIDs of the parts that Twilio has, in their order. */
export function sidsOf(progress: ReturnType<typeof readProgress>): string[] {
  if (progress === null || progress === "unreadable") return [];
  return progress.parts.flatMap(({ fate }) => (fate.kind === "taken" ? [fate.sid] : []));
}
