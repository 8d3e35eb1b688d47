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
  /** A new one for each answer: under one salt only one may be sealed. */
  readonly salt: string;
}

const OPENED = v.object({
  status: v.number(),
  headers: v.array(v.tuple([v.string(), v.string()])),
  bodyBase64: v.string(),
});

/**
 * Seals an answer under what only its client knows: the idempotency key, of which the store has no more than a hash. Upstream's
 * answers are not known to hold texts or phone numbers, but nothing promises that, and expunging a session does not find kept
 * answers. As long as the key cannot be guessed, a kept answer can be read only by the client that has it already.
 */
export async function sealAnswer(
  { status, headers, body }: KeptAnswer,
  seal: Seal,
): Promise<string> {
  const opened = JSON.stringify({ status, headers, bodyBase64: body.toBase64() });
  const sealed = await crypto.subtle.encrypt(CIPHER, await keyOf(seal), utf8(opened));
  return new Uint8Array(sealed).toBase64();
}

/**
 * The answer that {@link sealAnswer} sealed under the same scope and salt.
 * @throws for everything else
 */
export async function openAnswer(sealedAnswer: string, seal: Seal): Promise<KeptAnswer> {
  const bytes = Uint8Array.fromBase64(sealedAnswer);
  const opened = await crypto.subtle.decrypt(CIPHER, await keyOf(seal), bytes);
  const { status, headers, bodyBase64 } = v.parse(
    OPENED,
    JSON.parse(new TextDecoder().decode(opened)),
  );
  return { status, headers, body: Uint8Array.fromBase64(bodyBase64) };
}

// The nonce may always be the same, because the key never is.
const CIPHER = { name: "AES-GCM", iv: new Uint8Array(12) };

/** A key for one answer, derived by HKDF (RFC 5869). */
async function keyOf({ scope, salt }: Seal): Promise<CryptoKey> {
  const derivation = { name: "HKDF", hash: "SHA-256", salt: utf8(salt), info: utf8("answer") };
  const secret = await crypto.subtle.importKey("raw", utf8(scope), "HKDF", false, ["deriveKey"]);
  const use = { name: "AES-GCM", length: 256 };
  return await crypto.subtle.deriveKey(derivation, secret, use, false, ["encrypt", "decrypt"]);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
