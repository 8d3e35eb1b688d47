/**
 * A stranger's text as a key of a `Map` or `Set`; to be used for asking and for adding. V8 hashes a text of up to ten digits by
 * the number that it spells, so whoever sends 80,000 such names can make them all meet in one place of the table, and each look
 * takes a walk through those before. With a letter in front it hashes the text, by a secret of the process.
 */
export function hashedAsText(untrustedText: string): string {
  return `t${untrustedText}`;
}
