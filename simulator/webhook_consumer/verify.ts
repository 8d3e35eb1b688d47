import { Webhook } from "standardwebhooks";
import type { Clock } from "../../services/support/clock.ts";

/** How far a timestamp may be off, in seconds; the allowance of every Standard Webhooks library. */
const TOLERANCE_S = 300;

/** Whether a request proves that it comes from the holder of the secret, or why not. */
export type Verdict =
  | { readonly verified: true }
  | { readonly verified: false; readonly fault: string };

/** Checks a request as a consumer would. The body is decoded text, as the library reads nothing else. */
export type Verify = (secret: string | null, headers: Headers, untrustedBody: string) => Verdict;

/** By the `standardwebhooks` package alone, which takes the time from the system. */
export const verifyBySystemTime: Verify = (secret, headers, untrustedBody) =>
  judge(secret, (webhook) => {
    webhook.verify(untrustedBody, Object.fromEntries(headers), { jsonParse: false });
  });

/**
 * By the package's signature and a clock of the test's own, for senders whose time is moved by hand: the package
 * cannot be told the time, and would find the timestamps too old or too new.
 */
export function verifyByClock(clock: Clock): Verify {
  return (secret, headers, untrustedBody) =>
    judge(secret, (webhook) => {
      const id = headers.get("webhook-id");
      const timestamp = headers.get("webhook-timestamp");
      const signatures = headers.get("webhook-signature");
      if (!id || !timestamp || !signatures) throw new Error("A webhook- header is missing");
      if (!/^\d{1,12}$/.test(timestamp)) throw new Error("The timestamp is no number of seconds");
      if (Math.abs(clock.now() / 1000 - Number(timestamp)) > TOLERANCE_S) {
        throw new Error("The timestamp is too far from now");
      }
      const expected = webhook.sign(id, new Date(Number(timestamp) * 1000), untrustedBody);
      if (!signatures.split(" ").includes(expected)) throw new Error("No signature matches");
    });
}

function judge(secret: string | null, check: (webhook: Webhook) => void): Verdict {
  if (secret === null) return { verified: false, fault: "No secret was set" };
  try {
    check(new Webhook(secret));
    return { verified: true };
  } catch (error) {
    return { verified: false, fault: error instanceof Error ? error.message : String(error) };
  }
}
