/** What may stand in the fragment of a webhook's URL (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides). */
export interface ConnectionOverrides {
  /** How often a failed request is repeated; 0 to 5. */
  readonly retries: number;
  /** What it is repeated for. */
  readonly retryOn: ReadonlySet<HookFailure>;
  /** For connecting, and for the answer to begin; in milliseconds. */
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** For all tries together. */
  readonly totalTimeMs: number;
}

/** Ways for a webhook to fail, under Twilio's names for them. */
export type HookFailure = "4xx" | "5xx" | "ct" | "rt";

const FAILURES: readonly HookFailure[] = ["4xx", "5xx", "ct", "rt"];

/** Reads the fragment; what is missing or out of bounds is as without it: one more try where no connection could be made. */
export function readOverrides(url: string): ConnectionOverrides {
  const fragment = new URLSearchParams(url.split("#")[1] ?? "");
  const number = (name: string, least: number, most: number, otherwise: number) => {
    const text = fragment.get(name) ?? "";
    const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most ? value : otherwise;
  };
  return {
    retries: number("rc", 0, 5, 1),
    retryOn: readPolicy(fragment.get("rp")),
    connectTimeoutMs: number("ct", 100, 10_000, 5_000),
    readTimeoutMs: number("rt", 100, 15_000, 15_000),
    totalTimeMs: number("tt", 100, 15_000, 15_000),
  };
}

function readPolicy(text: string | null): ReadonlySet<HookFailure> {
  const names = (text ?? "ct").split(",");
  if (names.includes("all")) return new Set(FAILURES);
  return new Set(FAILURES.filter((failure) => names.includes(failure)));
}

/** Where public addresses are in truth: from an origin to the origin on this machine that serves it. */
export type Reach = ReadonlyMap<string, string>;

/** What is asked for when `url` is called, or null when that is not on this machine: nothing else is ever called. */
export function addressOf(url: string, reach: Reach): URL | null {
  const called = URL.parse(url);
  if (called === null) return null;
  const served = reach.get(called.origin) ?? called.origin;
  const address = URL.parse(called.pathname + called.search, served);
  return address !== null && isLoopback(address.hostname) ? address : null;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
