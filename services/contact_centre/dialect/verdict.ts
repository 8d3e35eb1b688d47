/** What upstream made of an operation. */
export type Verdict = "success" | "refused";

/**
 * Reads the verdict from a complete answer. The body's integer `statusCode` decides, as upstream promises no relation
 * between it and the HTTP status (Genesys Web Services, API/ReturnValues): 0 is success, all else is not, 7 ("partial success")
 * included, and so is a body that does not say. A redirect says nothing about the operation, whatever its body.
 */
export function judgeAnswer(status: number, body: Uint8Array): Verdict {
  if (status >= 300 && status < 400) return "refused";
  return statusCodeOf(body) === 0 ? "success" : "refused";
}

/** The body's `statusCode`; null where it does not say. */
export function statusCodeOf(untrustedBody: Uint8Array): number | null {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(untrustedBody));
    if (typeof json !== "object" || json === null || !("statusCode" in json)) return null;
    return typeof json.statusCode === "number" ? json.statusCode : null;
  } catch {
    return null;
  }
}
