/** A JSON object as parsed: every member is untrusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a parsed JSON value is an object, and not an array or null. */
export function isJsonObject(untrustedJson: unknown): untrustedJson is JsonObject {
  return typeof untrustedJson === "object" && untrustedJson !== null &&
    !Array.isArray(untrustedJson);
}

/** A parsed JSON array as it is, any other value as an array of one. */
export function asArray(untrustedJson: unknown): readonly unknown[] {
  return Array.isArray(untrustedJson) ? untrustedJson : [untrustedJson];
}
