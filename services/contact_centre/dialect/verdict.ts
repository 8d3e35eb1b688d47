/** An answer of upstream, as far as its meaning goes. */
export interface JudgedAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** What upstream made of an operation. */
export type Verdict = "success" | "refused";

/** The body's `statusCode`, as far as Patchbay acts on it (Genesys Web Services, API/ReturnValues). */
export const STATUS_CODES = {
  success: 0,
  notFound: 6,
  /** A part of the operation failed. */
  partialSuccess: 7,
  /** Further requests must carry credentials. */
  unauthenticated: 20,
} as const;

/** `statusCode`s of the server's own trouble, which may be over in a moment. */
export const SERVER_TROUBLE: ReadonlySet<number> = new Set([4, 9, 12]);

/**
 * Reads the verdict from a complete answer. The body's integer `statusCode` decides, as upstream promises no relation
 * between it and the HTTP status (Genesys Web Services, API/ReturnValues): 0 is success, all else is not, 7 ("partial success")
 * included, and so is a body that does not say. A redirect says nothing about the operation, whatever its body.
 */
export function judgeAnswer(status: number, body: Uint8Array): Verdict {
  if (status >= 300 && status < 400) return "refused";
  return statusCodeOf(body) === STATUS_CODES.success ? "success" : "refused";
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
