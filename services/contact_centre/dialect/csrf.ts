import { API_ROOT, ME } from "./paths.ts";
import type { JudgedAnswer } from "./verdict.ts";

/** What a GET brings a fresh token from (Genesys Web Services, API/CSRFProtection). */
export const CSRF_TOKEN_PATH = API_ROOT + ME;

/** The answer headers that tell a token: the name of the header in which it is to be sent, and the token. */
export const CSRF_ANSWER_HEADERS = { name: "x-csrf-header", token: "x-csrf-token" } as const;

const CSRF_REFUSAL = /csrf[\s_-]*token/i;

/**
 * Whether upstream turned a request down because its CSRF token was missing or wrong. It checks that before anything
 * else, so it has not acted. The status is 403 and the text "Missing or invalid Csrf token"; whether that text stands in
 * a JSON envelope, a page or by itself is documented nowhere, so it is looked for in the whole body.
 */
export function isCsrfRefusal({ status, body }: JudgedAnswer): boolean {
  return status === 403 && CSRF_REFUSAL.test(new TextDecoder().decode(body));
}
