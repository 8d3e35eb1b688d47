/** What a GET brings a fresh token from, in the words of Genesys Web Services, API/CSRFProtection. */
export const CSRF_TOKEN_PATH = "/api/v2/me";

const CSRF_REFUSAL = /csrf[\s_-]*token/i;

/**
 * Whether upstream turned a request down for want of the right CSRF token, which it does before it looks at anything
 * else: it has not acted. The status is 403 and the text "Missing or invalid Csrf token"; whether that text stands in a
 * JSON envelope, a page or by itself is documented nowhere, so it is looked for in the whole body.
 */
export function isCsrfRefusal(
  answer: { readonly status: number; readonly body: Uint8Array },
): boolean {
  return answer.status === 403 && CSRF_REFUSAL.test(new TextDecoder().decode(answer.body));
}
