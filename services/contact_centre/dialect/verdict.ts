/** An answer of upstream, as far as its meaning goes. */
export interface JudgedAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/**
 * What upstream made of an operation. `success`: it is done. `refused`: it is not. `unsure`: upstream had trouble of its own,
 * or did not say; nothing should have changed, which nobody knows for sure. `lost`: something in front of upstream answered
 * in its place, so that upstream's own answer got lost, whatever it was.
 */
export type Verdict = "success" | "refused" | "unsure" | "lost";

/** The body's `statusCode`, as far as Patchbay acts on it (Genesys Web Services, API/ReturnValues). */
export const STATUS_CODES = {
  success: 0,
  /** A parameter is not valid for the current state: what is asked for was done before, or cannot be done now. */
  wrongState: 2,
  forbidden: 3,
  notFound: 6,
  /** A part of the operation failed. */
  partialSuccess: 7,
  alreadyExists: 18,
  alreadyInUse: 19,
  /** Further requests must carry credentials. */
  unauthenticated: 20,
} as const;

/** `statusCode`s of the server's own trouble, which may be over in a moment. */
export const SERVER_TROUBLE: ReadonlySet<number> = new Set([4, 9, 12]);

/** `statusCode`s with which upstream refuses what does not fit a session's state, and so also what it has done before. */
const STATE_REFUSALS: ReadonlySet<number> = new Set([
  STATUS_CODES.wrongState,
  STATUS_CODES.forbidden,
  STATUS_CODES.notFound,
  STATUS_CODES.alreadyExists,
  STATUS_CODES.alreadyInUse,
]);

/**
 * `statusCode`s that say that upstream has not acted: those of states, and what it finds wrong with the request or its sender
 * (a parameter missing, 1, or out of range, 10; a permission missing, 5; a password to be changed, 8; a property that cannot be, 11).
 * The others are of the server's trouble, of operations that failed on their way (13 to 17) or in part (7), or of a later
 * version: whether it has acted is then not sure.
 */
const REFUSALS: ReadonlySet<number> = new Set([
  ...STATE_REFUSALS,
  STATUS_CODES.unauthenticated,
  1,
  5,
  8,
  10,
  11,
]);

/** The client, or whoever is in front of upstream, gave up waiting (RFC 9110 §15.5.9, and nginx's own number). */
const GIVEN_UP: ReadonlySet<number> = new Set([408, 499]);

/**
 * Reads the verdict from a complete answer. The body's integer `statusCode` decides, as upstream promises no relation
 * between it and the HTTP status (Genesys Web Services, API/ReturnValues): 0 is success, and 7 ("partial success") is not. A
 * redirect says nothing about the operation, whatever its body.
 *
 * Where the body does not say, the HTTP status does. 4xx is a refusal, unless it means that somebody gave up waiting. 503 comes
 * from a server that takes no requests at present (RFC 9110 §15.6.4), and a success without a `statusCode` is no answer
 * of this API, so both are unsure. Any other 5xx is a gateway's or a crash's: the operation may well have been done.
 */
export function judgeAnswer(status: number, body: Uint8Array): Verdict {
  if (status >= 300 && status < 400) return "unsure";
  const statusCode = statusCodeOf(body);
  if (statusCode === STATUS_CODES.success) return "success";
  if (statusCode !== null) return REFUSALS.has(statusCode) ? "refused" : "unsure";
  if (status >= 400 && status < 500) return GIVEN_UP.has(status) ? "lost" : "refused";
  return status < 300 || status === 503 ? "unsure" : "lost";
}

/** Whether upstream refuses an operation for the state of the session: it may have been done before. */
export function refusesState({ status, body }: JudgedAnswer): boolean {
  const statusCode = statusCodeOf(body);
  const isRedirect = status >= 300 && status < 400;
  return !isRedirect && statusCode !== null && STATE_REFUSALS.has(statusCode);
}

/** Whether upstream has done a part of the operation. */
export function isPartlyDone({ status, body }: JudgedAnswer): boolean {
  return status < 300 && statusCodeOf(body) === STATUS_CODES.partialSuccess;
}

/** Whether upstream wants other credentials; which HTTP status goes with `statusCode` 20 is documented nowhere. */
export function isUnauthenticated({ status, body }: JudgedAnswer): boolean {
  return status === 401 || status === 403 || statusCodeOf(body) === STATUS_CODES.unauthenticated;
}

/** The body's `statusCode`; null where it does not say. */
function statusCodeOf(untrustedBody: Uint8Array): number | null {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(untrustedBody));
    if (typeof json !== "object" || json === null || !("statusCode" in json)) return null;
    return typeof json.statusCode === "number" ? json.statusCode : null;
  } catch {
    return null;
  }
}
