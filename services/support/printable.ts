/**
 * The text with everything written as `\uXXXX` that could end a line, drive a terminal or reorder what is read:
 * control characters, line and paragraph separators, bidirectional controls (Unicode UAX #9; "Trojan Source",
 * CVE-2021-42574). Inside a JSON string the result reads back as the same text.
 */
export function escapeControls(untrustedText: string): string {
  return untrustedText.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
