/** Who has texted STOP to which sender, as Twilio itself keeps it: such a customer gets nothing more from there. */
export interface OptOutBook {
  /** What a customer's text does; null: nothing. `sender` is our number, or the Messaging Service that it belongs to. */
  takeText(text: CustomerText): OptOutChange | null;
  isOptedOut(customer: string, senders: readonly (string | null)[]): boolean;
  set(customer: string, sender: string, optedOut: boolean): void;
  /** Everybody who is opted out, with the sender. */
  readonly all: readonly { readonly customer: string; readonly sender: string }[];
}

export interface CustomerText {
  readonly customer: string;
  /** Our number that was texted. */
  readonly to: string;
  /** The Messaging Service that it belongs to. */
  readonly service: string | null;
  readonly body: string;
}

export type OptOutChange = "STOP" | "START" | "HELP";

// https://help.twilio.com/articles/223134027: the whole message has to be one of them, in any case.
const WORDS: ReadonlyMap<string, OptOutChange> = new Map([
  ...["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]
    .map((word) => [word, "STOP"] as const),
  ...["START", "YES", "UNSTOP"].map((word) => [word, "START"] as const),
  ...["HELP", "INFO"].map((word) => [word, "HELP"] as const),
]);
/** Blocked in the carriers' network, which does not open again at a YES. */
const TOLL_FREE = /^\+1(?:800|888|877|866|855|844|833)\d{7}$/;
const SHORT_CODE = /^\d{3,6}$/;

/** An empty one. While `isAdvanced` (Advanced Opt-Out) short codes are looked after too. */
export function createOptOutBook(isAdvanced: () => boolean): OptOutBook {
  const optedOut = new Map<string, { customer: string; sender: string }>();
  const keyOf = (customer: string, sender: string) => `${customer} ${sender}`;

  function set(customer: string, sender: string, isOut: boolean): void {
    const key = keyOf(customer, sender);
    if (isOut) optedOut.set(key, { customer, sender });
    else optedOut.delete(key);
  }

  return {
    takeText({ customer, to, service, body }) {
      if (SHORT_CODE.test(to) && !isAdvanced()) return null;
      const word = body.trim().toUpperCase();
      const change = word === "YES" && TOLL_FREE.test(to) ? null : WORDS.get(word) ?? null;
      if (change === "STOP" || change === "START") set(customer, service ?? to, change === "STOP");
      return change;
    },
    isOptedOut: (customer, senders) =>
      senders.some((sender) => sender !== null && optedOut.has(keyOf(customer, sender))),
    set,
    get all() {
      return [...optedOut.values()];
    },
  };
}
