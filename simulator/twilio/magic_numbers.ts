/** The numbers that Twilio's test credentials give a meaning (docs: "Magic input", Test Credentials). */
const PREFIX = "+1500555";

/** What sending from this number is refused with. `+15005550006` is the one that may send. */
const REFUSED_FROM: Readonly<Record<string, readonly [code: number, message: string]>> = {
  [`${PREFIX}0001`]: [21212, "The From number is not a valid phone number"],
  [`${PREFIX}0007`]: [21606, "The From number does not belong to the account or cannot send SMS"],
  [`${PREFIX}0008`]: [21611, "The queue of the From number is full"],
};

/** What sending to this number is refused with. */
const REFUSED_TO: Readonly<Record<string, readonly [code: number, message: string]>> = {
  [`${PREFIX}0001`]: [21211, "The To number is not a valid phone number"],
  [`${PREFIX}0002`]: [21612, "The To number cannot be reached from this sender"],
  [`${PREFIX}0003`]: [21408, "The account may not send to the region of the To number"],
  [`${PREFIX}0004`]: [21610, "The recipient has opted out of messages from this sender"],
  [`${PREFIX}0009`]: [21614, "The To number cannot receive SMS"],
};

/** The refusal that goes with a magic From; undefined for every other number. */
export function magicFrom(number: string): readonly [code: number, message: string] | undefined {
  return REFUSED_FROM[number];
}

/** The refusal that goes with a magic To; undefined for every other number. */
export function magicTo(number: string): readonly [code: number, message: string] | undefined {
  return REFUSED_TO[number];
}
