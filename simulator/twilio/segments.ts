// The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1).
const GSM_BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const GSM_EXTENDED = new Set("\f^{}\\[~]|€");

/** How many SMS segments a text takes: 160 or 153 septets each in GSM-7, else 70 or 67 UCS-2 units. */
export function countSegments(text: string): number {
  const characters = [...text];
  const isGsm = characters.every((c) => GSM_BASIC.has(c) || GSM_EXTENDED.has(c));
  return isGsm
    ? pack(characters.map((c) => GSM_EXTENDED.has(c) ? 2 : 1), 160, 153)
    : pack(characters.map((c) => c.length), 70, 67);
}

/** A character never straddles two segments, so this fills one after the other. */
function pack(widths: readonly number[], alone: number, concatenated: number): number {
  if (widths.reduce((sum, width) => sum + width, 0) <= alone) return 1;
  let segments = 1;
  let used = 0;
  for (const width of widths) {
    if (used + width > concatenated) {
      segments++;
      used = 0;
    }
    used += width;
  }
  return segments;
}
