import { isJsonObject, type JsonObject } from "../support/json_object.ts";
import { readJson } from "../support/spelled_json.ts";

/** What a token says, before anything is known of who signed it. */
export interface UntrustedToken {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

/** RFC 7515 §7.1: three parts. A JWE has five, and whatever else is put between or behind dots is no token either. */
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/;

/**
 * Reads a compact JWT in the one way in which it can be read; null for what could be read in two, or in none: a member
 * that comes twice (RFC 7515 §4, RFC 7519 §4), base64url that is not spelled as an encoder spells it (padding, stray bits),
 * bytes that are no UTF-8, and extensions that change how a token is read (`crit`, and `b64` of RFC 7797 §7, which JWTs must
 * not have).
 */
export function readToken(untrustedToken: string): UntrustedToken | null {
  const [, headerPart = "", claimsPart = "", signature = ""] = COMPACT.exec(untrustedToken) ?? [];
  if (!isCanonical(signature)) return null;
  const header = readPart(headerPart);
  const claims = readPart(claimsPart);
  if (header === null || claims === null || "crit" in header || "b64" in header) return null;
  return { header, claims };
}

// A byte order mark is kept, so that it is no JSON (RFC 8259 §8.1).
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readPart(base64url: string): JsonObject | null {
  if (!isCanonical(base64url)) return null;
  let text: string;
  try {
    text = decoder.decode(Uint8Array.fromBase64(base64url, { alphabet: "base64url" }));
  } catch {
    return null;
  }
  const read = readJson(text);
  return read.ok && isJsonObject(read.value.json) ? read.value.json : null;
}

/** The letters that end a text whose last byte ends within its last letter, by how many letters are beyond a multiple of 4. */
const LAST_LETTERS = [/^/, null, /[AQgw]$/, /[AEIMQUYcgkosw048]$/];

/** Whether no bits are left over: otherwise several texts would be one token (RFC 4648 §3.5). */
function isCanonical(base64url: string): boolean {
  return LAST_LETTERS[base64url.length % 4]?.test(base64url) ?? false;
}
