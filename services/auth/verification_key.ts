import { createPublicKey } from "node:crypto";
import type { JWK } from "jose";
import { isJsonObject, type JsonObject } from "../support/json_object.ts";

/** What a key has to be for an algorithm. */
interface KeyForm {
  readonly kty: "RSA" | "EC" | "OKP";
  readonly crv?: string;
}

/**
 * Signature algorithms that `jose` verifies with a public key (RFC 7518 §3.1, RFC 8037, RFC 9864), each with the keys
 * that it takes. `none` and the symmetric ones are left out: with them, whoever may verify may also sign (RFC 8725 §3.1,
 * §3.2).
 */
const KEY_FORMS: Readonly<Record<string, KeyForm>> = {
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
  RS256: { kty: "RSA" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
};

/** The names of all algorithms by which a token may be signed. */
export const SIGNATURE_ALGORITHMS: readonly string[] = Object.keys(KEY_FORMS);

/** RFC 7518 §3.3 asks for the former; beyond the latter, Deno's cryptography verifies nothing. */
const RSA_BITS = { min: 2048, max: 4096 };

/**
 * The Ed25519 points of small order, their sign bit left out (RFC 8032 §5.1.2): for such a key anybody can make signatures
 * that Deno takes.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** How many keys of a set are looked at closely, which takes up to 30 µs for each. */
const MAX_KEYS = 500;

/** What only the owner of a key may know (RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2). */
const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/** What makes a public key. */
const PUBLIC_MEMBERS = ["kty", "crv", "x", "y", "n", "e", "kid", "alg"];

/** Why a key verifies no token. */
export type KeyFault =
  | "malformed"
  | "secret"
  | "symmetric"
  | "unknown-type"
  | "unknown-curve"
  | "other-use"
  | "algorithm-not-allowed"
  | "weak"
  | "too-large"
  | "too-many";

/** The keys of a set, judged. */
export interface JudgedKeys {
  /** Nothing but what makes them public keys, and their names. */
  readonly usable: readonly JWK[];
  readonly skipped: readonly SkippedKey[];
}

export interface SkippedKey {
  readonly fault: KeyFault;
  /** Null where it has none. */
  readonly untrustedKid: string | null;
}

/**
 * Tells the keys that can verify a token by one of `algorithms` from those that cannot. RFC 7517 §5 asks to ignore what
 * is not understood; the libraries below would throw at such a key only when a token leads to it.
 */
export function judgeKeys(
  untrustedKeys: readonly unknown[],
  algorithms: readonly string[],
): JudgedKeys {
  const usable: JWK[] = [];
  const skipped: SkippedKey[] = [];
  let looked = 0;
  for (const untrusted of untrustedKeys) {
    let fault = faultOfForm(untrusted, algorithms);
    if (fault === null && ++looked > MAX_KEYS) fault = "too-many";
    if (fault === null) {
      const key = publicPart(untrusted as JsonObject);
      fault = faultOfMaterial(key);
      if (fault === null) usable.push(key);
    }
    if (fault !== null) skipped.push({ fault, untrustedKid: kidOf(untrusted) });
  }
  return { usable, skipped };
}

/** What of it can be told without looking into the numbers of the key. */
function faultOfForm(untrusted: unknown, algorithms: readonly string[]): KeyFault | null {
  if (!isJsonObject(untrusted)) return "malformed";
  const { kty, crv, alg, kid, use, key_ops: operations } = untrusted;
  if (kty === "oct") return "symmetric";
  if (SECRET_MEMBERS.some((member) => untrusted[member] !== undefined)) return "secret";
  const ofType = Object.values(KEY_FORMS).filter((form) => form.kty === kty);
  if (ofType.length === 0) return "unknown-type";
  const verifies = operations === undefined ||
    (Array.isArray(operations) && operations.includes("verify"));
  if ((use !== undefined && use !== "sig") || !verifies) return "other-use";
  if (!ofType.some((form) => form.crv === undefined || form.crv === crv)) return "unknown-curve";
  const isAllowed = algorithms.some((name) => {
    const form = KEY_FORMS[name];
    return form?.kty === kty && (form?.crv === undefined || form.crv === crv) &&
      (alg === undefined || alg === name);
  });
  if (!isAllowed) return "algorithm-not-allowed";
  return kid === undefined || typeof kid === "string" ? null : "malformed";
}

function publicPart(untrusted: JsonObject): JWK {
  return Object.fromEntries(
    PUBLIC_MEMBERS.filter((member) => untrusted[member] !== undefined)
      .map((member) => [member, untrusted[member]]),
  );
}

function faultOfMaterial(key: JWK): KeyFault | null {
  try {
    if (key.kty === "RSA") {
      const bits = bitsIn(bytesIn(key.n));
      if (bits < RSA_BITS.min) return "weak";
      if (bits > RSA_BITS.max) return "too-large";
    }
    if (key.kty === "OKP" && isOfSmallOrder(bytesIn(key.x))) return "weak";
    // It looks more closely than Web Cryptography, which imports points that are on no curve.
    createPublicKey({ key, format: "jwk" });
    return null;
  } catch {
    return "malformed";
  }
}

/** The bytes of a member in base64url; throws where there is none, or where it is something else. */
function bytesIn(untrustedMember: unknown): Uint8Array {
  return Uint8Array.fromBase64(String(untrustedMember), { alphabet: "base64url" });
}

/** The length of a number that is written as RFC 7518 §2 has it, zeros before it left out. */
function bitsIn(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? 0 : (bytes.length - first) * 8 - (Math.clz32(bytes[first] ?? 0) - 24);
}

function isOfSmallOrder(point: Uint8Array): boolean {
  const last = point.length - 1;
  return SMALL_ORDER.has(point.with(last, (point[last] ?? 0) & 0x7f).toHex());
}

function kidOf(untrusted: unknown): string | null {
  const kid = isJsonObject(untrusted) ? untrusted["kid"] : undefined;
  return typeof kid === "string" ? kid : null;
}

/** How many kids are named, and how much of each. */
const SHOWN_KIDS = { count: 5, length: 40 };

/** Skipped keys in one line for the log; equal for sets of which the same keys were skipped. */
export function describeSkipped(skipped: readonly SkippedKey[]): string {
  const counts = new Map<KeyFault, number>();
  for (const { fault } of skipped) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  const kids = skipped.flatMap(({ untrustedKid }) => untrustedKid === null ? [] : [untrustedKid])
    .slice(0, SHOWN_KIDS.count)
    .map((kid) => kid.slice(0, SHOWN_KIDS.length).toWellFormed());
  const faults = [...counts].map(([fault, count]) => `${fault}: ${count}`).join(", ");
  return kids.length === 0 ? faults : `${faults} (kid ${kids.join(", ")})`;
}
