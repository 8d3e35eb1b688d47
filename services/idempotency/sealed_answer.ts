import * as v from "valibot";

/** An answer as the client got it, or gets it again. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Under what an answer is sealed. */
export interface Seal {
  /** Holds the idempotency key. */
  readonly scope: string;
  /** Never used before: under one salt only one answer may be sealed. */
  readonly salt: string;
}

const OPENED = v.object({
  status: v.number(),
  headers: v.array(v.tuple([v.string(), v.string()])),
  bodyBase64: v.string(),
});

/**
 * Seals an answer under what only its client knows: the idempotency key, of which the store has no more than a hash. Upstream's
 * answers are not known to hold texts or phone numbers, but nothing promises it, and expunging a session does not find these: so
 * long as the key cannot be guessed, what is kept says nothing to anyone but the one who was answered already.
 */
export async function sealAnswer(
  { status, headers, body }: KeptAnswer,
  seal: Seal,
): Promise<string> {
  const opened = JSON.stringify({ status, headers, bodyBase64: body.toBase64() });
  const sealed = await crypto.subtle.encrypt(CIPHER, await keyOf(seal), utf8(opened));
  return new Uint8Array(sealed).toBase64();
}

/** The answer that {@link sealAnswer} sealed under the same. Throws for everything else. */
export async function openAnswer(sealedAnswer: string, seal: Seal): Promise<KeptAnswer> {
  const bytes = Uint8Array.fromBase64(sealedAnswer);
  const opened = await crypto.subtle.decrypt(CIPHER, await keyOf(seal), bytes);
  const { status, headers, bodyBase64 } = v.parse(
    OPENED,
    JSON.parse(new TextDecoder().decode(opened)),
  );
  return { status, headers, body: Uint8Array.fromBase64(bodyBase64) };
}

// The nonce may always be the same, as the key never is.
const CIPHER = { name: "AES-GCM", iv: new Uint8Array(12) };

/** RFC 5869. */
async function keyOf({ scope, salt }: Seal): Promise<CryptoKey> {
  const derivation = { name: "HKDF", hash: "SHA-256", salt: utf8(salt), info: utf8("answer") };
  const secret = await crypto.subtle.importKey("raw", utf8(scope), "HKDF", false, ["deriveKey"]);
  const use = { name: "AES-GCM", length: 256 };
  return await crypto.subtle.deriveKey(derivation, secret, use, false, ["encrypt", "decrypt"]);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
