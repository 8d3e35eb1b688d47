// What Java's `trim`, `equalsIgnoreCase` and lenient readers of JSON pass over, and more: blanks, control and invisible
// characters, accents.
const PASSED_OVER = /[\s\p{C}\p{M}]/gu;

/**
 * A name as the most lenient upstream might read it. Names that it could take for one another come out equal: in another
 * case (`ı` and `ſ` too, which are `I` and `S` as capitals), with blanks or invisible characters, in full width. To be
 * compared with others that went through here, and for nothing else: what goes upstream stays as it came.
 */
export function folded(name: string): string {
  return name.normalize("NFKD").replace(PASSED_OVER, "").toUpperCase().toLowerCase();
}

/**
 * Which of `names` a body has a member for that is not that name, but could be taken for it; null: none. Upstream may
 * take such a member for the one that Patchbay has read, or has missed.
 */
export function mistakableFor(
  members: Readonly<Record<string, unknown>>,
  names: readonly string[],
): string | null {
  const byFolded = new Map(names.map((name) => [folded(name), name]));
  for (const member of Object.keys(members)) {
    const name = byFolded.get(folded(member));
    if (name !== undefined && name !== member) return name;
  }
  return null;
}
