/** A JSON object as parsed: every member is untrusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a parsed JSON value is an object, and not an array or null. */
export function isJsonObject(untrustedJson: unknown): untrustedJson is JsonObject {
  return typeof untrustedJson === "object" && untrustedJson !== null &&
    !Array.isArray(untrustedJson);
}
