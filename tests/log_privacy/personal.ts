/** What is said, called and used as a secret in the story: all of it to be told apart from anything else in a log. */

export const OUR_NUMBER = "+15005550006";
export const CUSTOMER = "+12025560187";
/** Nobody's number in particular; each is used where something goes wrong with it. */
export const STRANGER = "+12025563291";
export const REFUSED_NUMBER = "+12025564473x";

export const PHONES: readonly string[] = [OUR_NUMBER, CUSTOMER, STRANGER, REFUSED_NUMBER];

/** Words that occur nowhere else, one for each text of the story. */
export const WORDS = {
  agentText: "quokka-greeting",
  undelivered: "quokka-undelivered",
  toOptedOut: "quokka-optedout",
  doubted: "quokka-doubted",
  refusedAccount: "quokka-account",
  customerText: "wombat-question",
  unsignedText: "wombat-unsigned",
  foreignText: "wombat-foreign",
  centreText: "numbat-notified",
  badNotification: "numbat-broken",
  badBody: "bilby-body",
  consumerAnswer: "potoroo-answer",
  upstreamAnswer: "potoroo-upstream",
  nickname: "kowari-nickname",
  userData: "kowari-userdata",
} as const;

export const SECRETS = {
  agentPassword: "pademelon-password-1",
  wrongPassword: "pademelon-password-2",
  notificationsToken: "dunnart-notifications-token",
  wrongNotificationsToken: "dunnart-wrong-token",
  twilioToken: "dunnart-twilio-token",
  twilioTokenNext: "dunnart-twilio-token-next",
  redisPassword: "dunnart-redis-password",
  encryptionKey: new Uint8Array(32).fill(0x5a).toBase64(),
  webhookHeader: "Bearer dibbler-header-value",
  webhookQuery: "dibbler-query-token",
  idempotencyKey: "dibbler-idempotency-key",
} as const;

/** The digits of a number that a log may hold are the last four, so one more in a row is too many; six cannot be an accident. */
const TELLING_DIGITS = 6;

/** Each line that holds a telling part of one of these numbers. */
export function linesWithPhones(lines: readonly string[], phones: readonly string[]): string[] {
  const tails = phones.map((phone) => phone.replace(/\D/g, "").slice(-TELLING_DIGITS));
  return linesWith(lines, tails);
}

/** Each line that holds one of these texts, as it is or in Base64 or percent-encoded. */
export function linesWith(lines: readonly string[], texts: readonly string[]): string[] {
  const forms = texts.flatMap((text) => [text, encodeURIComponent(text), ...base64Forms(text)]);
  return lines.filter((line) => forms.some((form) => line.includes(form)));
}

/** What stays the same of a text in Base64, wherever in a longer one it stands. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = new TextEncoder().encode("\0".repeat(before) + text);
    const encoded = bytes.toBase64({ omitPadding: true });
    return encoded.slice(before === 0 ? 0 : before + 1, -2);
  });
}
