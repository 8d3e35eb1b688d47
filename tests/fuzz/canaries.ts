/** Texts that may stand in a request and nowhere in what Patchbay says of it: numbers of people, and what opens doors. */

/** Of people; no log and no refusal may hold more of one than its last four digits. */
export const NUMBERS: readonly string[] = [
  "+12025550143",
  "+447700900123",
  "+4915205551234",
];

/** What is told to nobody who does not bring it. */
export const SECRETS = {
  notificationsToken: "wallaroo-notifications-token",
  twilioToken: "wallaroo-twilio-token",
  metricsToken: "wallaroo-metrics-token",
  password: "bettong-password",
  webhookHeader: "bettong-header-value",
  text: "bettong-words-of-a-customer",
} as const;

/** How many digits of a number in a row give it away: one more than those that may be told, and then one. */
const TELLING_DIGITS = 6;

const TAILS = NUMBERS.map((number) => number.slice(-TELLING_DIGITS));

/** Which of the canaries a text holds, as it is or percent-encoded or in base64; null: none. */
export function canaryIn(text: string): string | null {
  return [...Object.values(SECRETS).flatMap(formsOf), ...TAILS].find((form) =>
    text.includes(form)
  ) ??
    null;
}

function formsOf(secret: string): string[] {
  return [secret, btoa(secret).slice(0, -3)];
}
