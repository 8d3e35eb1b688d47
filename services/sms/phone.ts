/**
 * A number in E.164 (`+16501111111`), or null when it cannot be one. Digits without a plus count as international, as
 * upstream writes them; any other writing needs its plus. Extensions are refused: a text cannot reach one.
 *
 * It checks that the calling code exists and the length is possible there, not that the range is handed out: numbering
 * plans change faster than a pinned copy of them, and the provider refuses a number that does not exist. Throws when
 * `libphonenumber-js` cannot be loaded.
 */
export async function toE164(rawNumber: string): Promise<string | null> {
  const trimmed = rawNumber.trim();
  const international = /^\d+$/.test(trimmed) ? `+${trimmed}` : trimmed;
  if (!international.startsWith("+")) return null;
  // The smallest build that knows lengths; loaded here because only deployments with SMS need its 25 ms.
  const { default: parsePhoneNumber } = await import("libphonenumber-js/min");
  const parsed = parsePhoneNumber(international, { extract: false });
  return parsed !== undefined && parsed.ext === undefined && parsed.isPossible()
    ? parsed.number
    : null;
}

/** A number that a text can come from: a short code of 3 to 6 digits as it is, everything else as {@link toE164}. */
export async function toSender(rawNumber: string): Promise<string | null> {
  const trimmed = rawNumber.trim();
  return SHORT_CODE.test(trimmed) ? trimmed : await toE164(trimmed);
}

const SHORT_CODE = /^\d{3,6}$/;
