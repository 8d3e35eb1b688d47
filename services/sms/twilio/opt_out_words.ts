import type { OptOutWish } from "../provider.ts";
import type { OptOutType } from "./form.ts";

// Twilio's default keywords (https://help.twilio.com/articles/223134027), with the two that were added last.
const STOP_WORDS: ReadonlySet<string> = new Set([
  "STOP",
  "STOPALL",
  "UNSUBSCRIBE",
  "CANCEL",
  "END",
  "QUIT",
  "REVOKE",
  "OPTOUT",
]);
const START_WORDS: ReadonlySet<string> = new Set(["START", "YES", "UNSTOP"]);
const HELP_WORDS: ReadonlySet<string> = new Set(["HELP", "INFO"]);

/** What keyboards add unseen, such as marks of direction and of the byte order. */
const UNSEEN = /\p{Cf}/gu;

/** The calling codes of toll-free numbers in the North American Numbering Plan. */
const TOLL_FREE = /^\+1(?:800|888|877|866|855|844|833)\d{7}$/;

/**
 * What a customer's text asks for; null: nothing of the kind. It is read as Twilio reads it: the whole text is one of the
 * words, in any case and in letters of any width, or it is none of them. What Advanced Opt-Out has understood goes first, as it knows words of its own.
 *
 * `to` is the number of ours that was texted: a toll-free one is blocked in the carriers' network, which does not open
 * again at a YES.
 */
export function optOutWish(
  { untrustedBody, optOutType, to }: {
    readonly untrustedBody: string;
    readonly optOutType: OptOutType | null;
    readonly to: string;
  },
): OptOutWish | null {
  switch (optOutType) {
    case "STOP":
      return "out";
    case "START":
      return "in";
    case "HELP":
      return "help";
  }
  const word = untrustedBody.normalize("NFKC").replace(UNSEEN, "").trim().toUpperCase();
  if (STOP_WORDS.has(word)) return "out";
  if (word === "YES" && TOLL_FREE.test(to)) return null;
  if (START_WORDS.has(word)) return "in";
  return HELP_WORDS.has(word) ? "help" : null;
}
