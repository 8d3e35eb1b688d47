import type { Clock } from "../../services/support/clock.ts";
import {
  addressOf,
  type ConnectionOverrides,
  type HookFailure,
  type Reach,
  readOverrides,
} from "./hook_url.ts";
import { type Fields, sign } from "./signature.ts";

/** One try of a webhook. */
export type HookAttempt =
  | {
    readonly kind: "answered";
    readonly status: number;
    readonly contentType: string;
    readonly body: string;
  }
  | { readonly kind: "failed"; readonly failure: "ct" | "rt"; readonly detail: string };

/** One request of Twilio's, with the tries that it took. */
export interface HookCall {
  readonly purpose: "inbound" | "fallback" | "status";
  /** As it was given, fragment and all. */
  readonly url: string;
  readonly fields: Fields;
  /** `I-Twilio-Idempotency-Token`: the same with every try. */
  readonly idempotencyToken: string;
  readonly startedAtMs: number;
  /** In their order; empty for an address that is not on this machine. */
  readonly attempts: readonly HookAttempt[];
}

export interface HookCallerOptions {
  /** Whose requests they are. */
  readonly authToken: () => string;
  readonly reach: () => Reach;
  readonly clock: Clock;
  /** Gives up what is under way. */
  readonly closed: AbortSignal;
  /** Sees each call when it has ended. */
  readonly onCall: (call: HookCall) => void;
}

export type CallHook = (purpose: HookCall["purpose"], url: string, fields: Fields) => Promise<
  HookCall
>;

/** Makes Twilio's requests to its customers: signed, with its time limits and its rule for repeating them. */
export function createHookCaller(options: HookCallerOptions): CallHook {
  const { clock, closed } = options;

  async function attempts(url: string, fields: Fields, token: string): Promise<HookAttempt[]> {
    const address = addressOf(url, options.reach());
    if (address === null) return [];
    const overrides = readOverrides(url);
    const giveUpAtMs = performance.now() + overrides.totalTimeMs;
    const made: HookAttempt[] = [];
    while (!closed.aborted) {
      const headers = {
        ...authorization(url),
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "user-agent": "TwilioProxy/1.1",
        "x-twilio-signature": sign(options.authToken(), url, fields),
        "i-twilio-idempotency-token": token,
      };
      const attempt = await post(address, headers, fields, overrides, closed);
      made.push(attempt);
      const failure = failureOf(attempt);
      const again = failure !== null && overrides.retryOn.has(failure) &&
        made.length <= overrides.retries && performance.now() < giveUpAtMs;
      if (!again) break;
    }
    return made;
  }

  return async (purpose, url, fields) => {
    // Not of the simulator's own random numbers: how many calls there were must not change what a seed makes of the rest.
    const idempotencyToken = crypto.randomUUID().replaceAll("-", "");
    const startedAtMs = clock.now();
    const call: HookCall = {
      purpose,
      url,
      fields,
      idempotencyToken,
      startedAtMs,
      attempts: await attempts(url, fields, idempotencyToken),
    };
    options.onCall(call);
    return call;
  };
}

/** How a try failed; null: it did not. */
export function failureOf(attempt: HookAttempt): HookFailure | null {
  if (attempt.kind === "failed") return attempt.failure;
  if (attempt.status >= 500) return "5xx";
  // A redirect is followed with a GET that holds no field: nothing good comes of it.
  return attempt.status >= 300 ? "4xx" : null;
}

async function post(
  address: URL,
  headers: Record<string, string>,
  fields: Fields,
  { connectTimeoutMs, readTimeoutMs }: ConnectionOverrides,
  closed: AbortSignal,
): Promise<HookAttempt> {
  // fetch tells nothing of when the connection stood, so both limits are one here.
  const tooLate = new AbortController();
  const timer = setTimeout(() => tooLate.abort(), connectTimeoutMs + readTimeoutMs);
  try {
    const response = await fetch(address, {
      method: "POST",
      headers,
      // A Blob leaves once, also where a kept connection dies under it (services/support/single_send.ts).
      body: new Blob([new URLSearchParams(fields).toString()]),
      redirect: "manual",
      signal: AbortSignal.any([tooLate.signal, closed]),
    });
    return {
      kind: "answered",
      status: response.status,
      contentType: response.headers.get("content-type") ?? "",
      body: await response.text(),
    };
  } catch (error) {
    const said = tellOf(error);
    return { kind: "failed", failure: said.includes("(Connect)") ? "ct" : "rt", detail: said };
  } finally {
    clearTimeout(timer);
  }
}

/** Deno's fetch tells in the cause alone how far it came. */
function tellOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** User information of the URL is a password for the webhook. */
function authorization(url: string): Record<string, string> {
  const { username = "", password = "" } = URL.parse(url) ?? {};
  if (username === "") return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${btoa(credentials)}` };
}
