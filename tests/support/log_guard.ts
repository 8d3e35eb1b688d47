/**
 * What Patchbay logs in tests is looked at as it is written: every line of {@link createMemoryLog} and of every Patchbay that
 * runs as a process. So the whole suite is the test that no log holds a phone number or a token (reference: LOG-01 to LOG-03;
 * tests/log_privacy_test.ts does the same for texts, which have no shape of their own).
 */

interface Detector {
  readonly what: string;
  readonly pattern: RegExp;
}

const DETECTORS: readonly Detector[] = [
  // E.164 allows 15 digits; the last four may be told.
  { what: "a phone number", pattern: /\+\d{7,15}(?!\d)/ },
  // As upstream writes them. Runs within ids, hashes and dates have a letter or a sign beside them.
  { what: "a phone number", pattern: /(?<![\w.+-])\d{9,15}(?![\w.:-])/ },
  { what: "a JWT", pattern: /eyJ[\w-]{10,}\.[\w-]{4,}/ },
  { what: "credentials", pattern: /\b(?:Bearer|Basic) [\w+/.~-]{6,}/i },
  { what: "a webhook's secret", pattern: /whsec_|whsk_/ },
  { what: "credentials in a URL", pattern: /:\/\/[^\s/"?#:]*:[^\s/"?#@]+@/ },
];

/** Points in time and durations, which are as long as phone numbers; the logger writes them in fields that say so. */
const MILLISECONDS = /"\w+Ms":\d+/g;

/** What a line of a log holds that it must not; null: nothing that has a shape. */
export function personalIn(line: string): string | null {
  const rest = line.replace(MILLISECONDS, "");
  return DETECTORS.find(({ pattern }) => pattern.test(rest))?.what ?? null;
}

/**
 * Fails the test file when the line holds what it must not. An error that is thrown could be caught by the very code that
 * has logged it, so it is reported past everybody.
 */
export function guardLine(line: string): void {
  const what = personalIn(line);
  if (what !== null) reportError(new Error(`Patchbay has logged ${what}: ${line}`));
}
