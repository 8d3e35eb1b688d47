import { parseArgs } from "node:util";
import { seededRandom } from "../kit/seeded_random.ts";
import { readCount, readPort, UsageError } from "../kit/program.ts";
import { FAULT_RATES, type FaultRates } from "./fault_rates.ts";
import type { TwilioOptions } from "./server.ts";
import type { WalkOptions } from "./status_walk.ts";

export const HELP = `A simulated Twilio: sends nothing, keeps everything in memory, on loopback.

  deno run -A simulator/twilio/main.ts [flags]

  --port N               where to listen (default 0: any free port)
  --account-sid SID      account that may call (default: a made-up one, printed)
  --auth-token TOKEN     its token, which also signs (default: a made-up one, printed)
  --number NUMBER        our number, which customers text (default +15005550006)
  --inbound-url URL      where customers' texts are handed in, such as https://edge.example/ingress/twilio/sms; connection
                         overrides may stand in its fragment
  --fallback-url URL     where they are handed in when that fails
  --reach PUBLIC=LOCAL   the origin on this machine that serves a public one, such as
                         https://edge.example=http://127.0.0.1:8000; may be given again. Nothing else is called
  --advanced-opt-out     texts are told with OptOutType

How messages get on (status callbacks go to the StatusCallback of each):
  --outcome END          delivered (default), undelivered, failed, sent or queued
  --error-code N         of undelivered and failed (default 30003)
  --step-ms N            from one status to the next (default 200)
  --shuffled             tells the statuses in a random order
  --doubled RATE         chance, 0 to 1, that a callback comes twice
  --dropped RATE         … that it never comes
  --delayed RATE         … that it is --delay-ms late
  --delay-ms N           default 1000
  --list-lag-ms N        how long after its creation a message shows in the list (default 0)

What goes wrong:
  --fault NAME=RATE      chance that a send fails so; may be given again. Names: rateLimited, serverError, timeout, reset,
                         and serverErrorSent, timeoutSent, resetSent, where it is sent all the same
  --seed N               makes chances repeatable
  --help                 this text

Point TWILIO_API_URL at it. The magic numbers of Twilio's test credentials work: to +15005550004, for one, is refused
with 21610. To +15005, an error code from 30000 to 39999 and 0 or 1, a message fails (0) or is undelivered (1) with that
code. It prints what happens, and stops on SIGINT or SIGTERM. A customer writes, statuses change and sends fail by
/control; docs/simulator_twilio.md has all of it.`;

const OUTCOMES = ["delivered", "undelivered", "failed", "sent", "queued"] as const;

/** Reads the command line; null: it asks for help. Throws a UsageError for what cannot be used. */
export function readFlags(args: readonly string[]): TwilioOptions | null {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "0" },
      "account-sid": { type: "string" },
      "auth-token": { type: "string" },
      number: { type: "string" },
      "inbound-url": { type: "string" },
      "fallback-url": { type: "string" },
      reach: { type: "string", multiple: true, default: [] },
      "advanced-opt-out": { type: "boolean", default: false },
      outcome: { type: "string", default: "delivered" },
      "error-code": { type: "string" },
      "step-ms": { type: "string", default: "200" },
      shuffled: { type: "boolean", default: false },
      doubled: { type: "string" },
      dropped: { type: "string" },
      delayed: { type: "string" },
      "delay-ms": { type: "string", default: "1000" },
      "list-lag-ms": { type: "string", default: "0" },
      fault: { type: "string", multiple: true, default: [] },
      seed: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) return null;
  const errorCode = flags["error-code"];
  const walk: WalkOptions = {
    outcome: readOutcome(flags.outcome),
    ...(errorCode !== undefined && { errorCode: readCount("--error-code", errorCode) }),
    stepMs: readMs("--step-ms", flags["step-ms"]),
    shuffled: flags.shuffled,
    ...readChances(flags),
    delayMs: readMs("--delay-ms", flags["delay-ms"]),
  };
  return {
    port: readPort(flags.port),
    ...given("accountSid", flags["account-sid"]),
    ...given("authToken", flags["auth-token"]),
    ...given("ownNumber", flags.number),
    ...given("inboundUrl", readUrl("--inbound-url", flags["inbound-url"])),
    ...given("fallbackUrl", readUrl("--fallback-url", flags["fallback-url"])),
    reach: Object.fromEntries(flags.reach.map(readReach)),
    advancedOptOut: flags["advanced-opt-out"],
    walk,
    listLagMs: readMs("--list-lag-ms", flags["list-lag-ms"]),
    faultRates: readFaultRates(flags.fault),
    ...(flags.seed !== undefined && { random: seededRandom(readCount("--seed", flags.seed)) }),
  };
}

function given<Name extends string>(
  name: Name,
  text: string | undefined,
): { readonly [K in Name]?: string } {
  return text === undefined ? {} : { [name]: text } as { readonly [K in Name]: string };
}

function readOutcome(text: string): (typeof OUTCOMES)[number] {
  const outcome = OUTCOMES.find((each) => each === text);
  if (outcome !== undefined) return outcome;
  throw new UsageError(`Cannot use --outcome ${text}: expected ${OUTCOMES.join(", ")}`);
}

function readMs(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`Cannot use ${flag} ${text}: expected milliseconds, an integer from 0`);
}

function readChances(
  flags: { readonly [Name in "doubled" | "dropped" | "delayed"]?: string | undefined },
): Pick<WalkOptions, "doubled" | "dropped" | "delayed"> {
  const names = ["doubled", "dropped", "delayed"] as const;
  return Object.fromEntries(names.flatMap((name) => {
    const text = flags[name];
    return text === undefined ? [] : [[name, readChance(`--${name}`, text)]];
  }));
}

function readChance(flag: string, text: string): number {
  const chance = /^(?:0|1|0?\.\d+|1\.0+)$/.test(text) ? Number(text) : NaN;
  if (chance >= 0 && chance <= 1) return chance;
  throw new UsageError(`Cannot use ${flag} ${text}: expected a chance from 0 to 1, such as 0.1`);
}

function readFaultRates(texts: readonly string[]): FaultRates {
  return Object.fromEntries(texts.map((text) => {
    const [name = "", chance = ""] = text.split("=", 2);
    if (!FAULT_RATES.some((each) => each === name)) {
      throw new UsageError(`Cannot use --fault ${text}: expected ${FAULT_RATES.join(", ")}`);
    }
    return [name, readChance(`--fault ${name}`, chance)];
  }));
}

function readUrl(flag: string, text: string | undefined): string | undefined {
  if (text === undefined || isHttpUrl(text)) return text;
  throw new UsageError(`Cannot use ${flag} ${text}: expected an http or https URL`);
}

function readReach(text: string): [string, string] {
  const [publicUrl = "", localUrl = ""] = text.split("=", 2);
  if (isHttpUrl(publicUrl) && isHttpUrl(localUrl)) {
    return [new URL(publicUrl).origin, new URL(localUrl).origin];
  }
  throw new UsageError(`Cannot use --reach ${text}: expected PUBLIC=LOCAL, two http or https URLs`);
}

function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? "");
}
