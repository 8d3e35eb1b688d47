import { hashedAsText } from "../../support/hashed_as_text.ts";

// What Java's `trim`, `equalsIgnoreCase` and lenient readers of JSON pass over, and more: blanks, control and invisible
// characters, accents.
const PASSED_OVER = /[\s\p{C}\p{M}]+/gu;
const PLAIN = /^[!-~]*$/;
// The longest name that counts has 35 letters, and a letter takes two code units at most before it is normalised.
const LONGEST_FOLDED = 128;

/**
 * A name as the most lenient upstream might read it. Names that it could take for one another come out equal: in another
 * case (`ı` and `ſ` too, which are `I` and `S` as capitals), with blanks or invisible characters, in full width. To be
 * compared with others that went through here, and for nothing else: what goes upstream stays as it came.
 */
export function folded(name: string): string {
  if (PLAIN.test(name)) return name.toLowerCase();
  const said = name.replace(PASSED_OVER, "");
  // Normalising takes time by the square of the length. What is so long is no name that counts, and equals itself.
  if (said.length > LONGEST_FOLDED) return said;
  return said.normalize("NFKD").replace(PASSED_OVER, "").toUpperCase().toLowerCase();
}

/** The names of a body's members by what they could be taken for, {@link hashedAsText}. */
export type Spellings = ReadonlyMap<string, readonly string[]>;

/** Reads how the members of a body are spelled. */
export function spellingsOf(members: Readonly<Record<string, unknown>>): Spellings {
  return Map.groupBy(Object.keys(members), (name) => hashedAsText(folded(name)));
}

/**
 * Which of `names` a body has a member for that is not that name, but could be taken for it; null: none. Upstream may
 * take such a member for the one that Patchbay has read, or has missed.
 */
export function mistakableFor(spellings: Spellings, names: readonly string[]): string | null {
  const spelled = (name: string) => spellings.get(hashedAsText(folded(name))) ?? [];
  return names.find((name) => spelled(name).some((member) => member !== name)) ?? null;
}
