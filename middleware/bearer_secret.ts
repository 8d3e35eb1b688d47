import { createHash, timingSafeEqual } from "node:crypto";

/** Whether an `authorization` header holds a secret: `none` where it is no bearer token at all. */
export type BearerSecret = (untrustedHeader: string | undefined) => "right" | "wrong" | "none";

/** The scheme in any case (RFC 9110 §11.1), and whatever characters an operator has put into the token. */
const BEARER = /^bearer +(\S+)$/i;

/**
 * Compares bearer tokens with a secret that the operator has set. It takes as long for one that is nearly right as for any
 * other: what is compared are digests, which have one length, and nobody can make one that begins like another.
 */
export function createBearerSecret(secret: string): BearerSecret {
  const expected = digest(secret);
  return (untrustedHeader) => {
    const untrustedToken = BEARER.exec(untrustedHeader ?? "")?.[1];
    if (untrustedToken === undefined) return "none";
    return timingSafeEqual(digest(untrustedToken), expected) ? "right" : "wrong";
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
