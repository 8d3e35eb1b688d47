/** A piece of a text, to be sent as one message. It is never blank, as the provider refuses that. */
export interface TextPart {
  readonly text: string;
  /** How many UTF-16 units between the part before, or the text's beginning, and this one are left out: all of them blank. */
  readonly blankBefore: number;
  /** How many SMS the networks make of it. */
  readonly segments: number;
}

export type SplitText =
  | { readonly kind: "parts"; readonly parts: readonly TextPart[] }
  /** Longer than {@link MAX_PARTS} parts. */
  | { readonly kind: "too-long" }
  /** There is nothing to be seen in it. */
  | { readonly kind: "blank" };

/** The longest message that the provider takes, in characters. Counted in UTF-16 units, of which there are never fewer. */
export const LONGEST_PART = 1600;
/**
 * The most segments of one message: phones and carriers put no more than about ten together again. Ten are 1530 septets of
 * GSM-7 or 670 units of UCS-2, so mostly this binds and not {@link LONGEST_PART}; what is longer goes as several messages.
 */
export const MAX_SEGMENTS = 10;
/** The most messages of one text: what needs more is a pasted document, and would cost a hundred segments. */
export const MAX_PARTS = 10;

/** Up to here a text is one segment in either encoding: 70 UCS-2 units, or 70 GSM-7 characters of at most two septets. */
const SURELY_ONE_SEGMENT = 70;
/** 3GPP TS 23.040 §9.2.3.24.1: what joins the segments takes 6 octets of each; the package holds each as an element. */
const HEADER_ELEMENTS = 6;
/** A grapheme's border shows only with what follows it: two units, as that may be a surrogate pair. */
const LOOK_AHEAD = 2;

interface Counted {
  readonly segments: number;
  /** How many UTF-16 units of the text the first {@link MAX_SEGMENTS} segments hold. */
  readonly fitting: number;
}

/**
 * White space, control characters, and what Unicode has no shape for: zero-width characters, marks of direction, fillers, the
 * Braille pattern without dots. https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
 */
const BLANK = /^[\s\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800]*$/u;

/** Whether there is nothing to be seen in it. */
function isBlank(text: string): boolean {
  return BLANK.test(text);
}

/**
 * Cuts a text into messages that the provider takes: behind white space where one stands in the second half of the part, else
 * between words, else between graphemes. White space that is itself cut is left out on both sides, and so is a part that would
 * be blank; nothing else is, and nothing is added. Throws when `sms-segments-calculator` cannot be loaded.
 */
export async function splitText(text: string): Promise<SplitText> {
  if (isBlank(text)) return { kind: "blank" };
  // Most texts of a chat are this short, and need none of the package's 25 ms.
  if (text.length <= SURELY_ONE_SEGMENT) {
    return { kind: "parts", parts: [{ text, blankBefore: 0, segments: 1 }] };
  }
  // Runs of white space may be left out; all else is kept, or at least looked at.
  if (text.replaceAll(/\s{2,}/g, "").length > MAX_PARTS * LONGEST_PART) return { kind: "too-long" };
  const count = await loadCounter();
  const parts: TextPart[] = [];
  let blankBefore = 0;
  for (let rest = text; rest !== "";) {
    const cut = cutOf(rest, count);
    const leftOut = leadingWhiteSpace(rest.slice(cut));
    const part = leftOut === 0 ? rest.slice(0, cut) : rest.slice(0, cut).trimEnd();
    const done = cut + leftOut;
    if (isBlank(part)) blankBefore += done;
    else {
      if (parts.length === MAX_PARTS) return { kind: "too-long" };
      parts.push({ text: part, blankBefore, segments: count(part).segments });
      blankBefore = done - part.length;
    }
    rest = rest.slice(done);
  }
  return { kind: "parts", parts };
}

/** How much white space the text begins with, without the last of it where that carries a mark: it belongs to a grapheme. */
function leadingWhiteSpace(text: string): number {
  const run = text.length - text.trimStart().length;
  if (run === 0) return 0;
  const from = Math.max(0, run - LOOK_AHEAD);
  return from +
    (lastUpTo(run - from, borders(text.slice(from, run + LOOK_AHEAD), "grapheme")) ?? 0);
}

/** How many segments a part has that {@link splitText} has cut earlier. */
export async function segmentsOf(part: string): Promise<number> {
  return part.length <= SURELY_ONE_SEGMENT ? 1 : (await loadCounter())(part).segments;
}

async function loadCounter(): Promise<(text: string) => Counted> {
  const { SegmentedMessage } = await import("sms-segments-calculator");
  return (text) => {
    const { segments, encodedChars } = new SegmentedMessage(text);
    if (segments.length <= MAX_SEGMENTS) {
      return { segments: segments.length, fitting: text.length };
    }
    const characters = segments.slice(0, MAX_SEGMENTS)
      .reduce((sum, segment) => sum + segment.length - HEADER_ELEMENTS, 0);
    const fitting = encodedChars.slice(0, characters)
      .reduce((sum, { raw }) => sum + raw.length, 0);
    return { segments: segments.length, fitting };
  };
}

/** How many UTF-16 units of `rest` go into the next part. */
function cutOf(rest: string, count: (text: string) => Counted): number {
  const seen = rest.slice(0, LONGEST_PART + LOOK_AHEAD);
  const graphemes = borders(seen, "grapheme");
  // A grapheme may be longer than a part: a letter with a thousand marks. Then between code points.
  const within = (limit: number) =>
    lastUpTo(limit, graphemes) ?? lastUpTo(limit, codePointBorders(seen)) ?? limit;
  const longest = within(LONGEST_PART);
  const most = within(count(rest.slice(0, longest)).fitting);
  if (most === rest.length) return most;
  // A space that carries a combining mark is no place to cut.
  const uncut = new Set(graphemes);
  const inSecondHalf = (candidates: readonly number[]) => {
    const last = lastUpTo(most, candidates.filter((at) => uncut.has(at)));
    return last !== null && last > most / 2 ? last : null;
  };
  return inSecondHalf(whiteSpaceEnds(seen)) ?? inSecondHalf(borders(seen, "word")) ?? most;
}

/** Where graphemes or words end (UAX #29). */
function borders(text: string, granularity: "grapheme" | "word"): number[] {
  const segmenter = new Intl.Segmenter("und", { granularity });
  return [...segmenter.segment(text)].map(({ index, segment }) => index + segment.length);
}

function codePointBorders(text: string): number[] {
  let at = 0;
  return [...text].map((codePoint) => at += codePoint.length);
}

function whiteSpaceEnds(text: string): number[] {
  return [...text.matchAll(/\s+/g)].map(({ index, 0: run }) => index + run.length);
}

function lastUpTo(limit: number, ascending: readonly number[]): number | null {
  return ascending.findLast((at) => at <= limit) ?? null;
}
