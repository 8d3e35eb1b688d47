/**
 * Standard Webhooks 1.0.0 signatures: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * What is signed: the id, a full stop, the Unix second, a full stop, and the very bytes of the body.
 */

import { createHmac } from "node:crypto";
import { createLruMap } from "../../support/lru_map.ts";
import { importSeed, parseSecret, type SigningSecret } from "../secrets.ts";

/** Signs with several secrets at once and keeps what it imported. */
export interface Signer {
  /**
   * The value of `webhook-signature`: one signature per secret, in their order, parted by spaces. A consumer accepts
   * any that fits, which is what lets a rotation overlap.
   */
  signatures(
    secrets: readonly string[],
    id: string,
    timestampS: number,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<string>;
}

type ImportedSecret =
  | Extract<SigningSecret, { scheme: "v1" }>
  | { readonly scheme: "v1a"; readonly key: CryptoKey };

const MAX_CACHED_KEYS = 1_000;

/** A signer that imports each secret once and remembers those used last. The secret's prefix decides the scheme. */
export function createSigner(): Signer {
  const cached = createLruMap<string, ImportedSecret>(MAX_CACHED_KEYS);

  async function imported(secret: string): Promise<ImportedSecret> {
    const remembered = cached.get(secret);
    if (remembered !== undefined) return remembered;
    const key = await importSecret(secret);
    cached.set(secret, key);
    return key;
  }

  return {
    async signatures(secrets, id, timestampS, body) {
      const content = signedContent(id, timestampS, body);
      const signed = secrets.map(async (secret) => sign(await imported(secret), content));
      return (await Promise.all(signed)).join(" ");
    },
  };
}

function signedContent(
  id: string,
  timestampS: number,
  body: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  // A full stop inside either would let two different messages have the same signed content.
  if (id.includes(".")) throw new TypeError(`Cannot sign id=${id}: expected no full stop in it`);
  if (!Number.isSafeInteger(timestampS)) {
    throw new TypeError(`Cannot sign timestampS=${timestampS}: expected whole Unix seconds`);
  }
  const head = new TextEncoder().encode(`${id}.${timestampS}.`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return content;
}

async function importSecret(text: string): Promise<ImportedSecret> {
  const secret = parseSecret(text);
  if (secret.scheme === "v1") return secret;
  return { scheme: "v1a", key: await importSeed(secret.seed, { extractable: false }) };
}

/**
 * The HMAC is taken in this thread: WebCrypto would hand each to another thread and back at every attempt, which costs
 * several times what the hash of some kilobytes does.
 */
async function sign(
  secret: ImportedSecret,
  content: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (secret.scheme === "v1") {
    return `v1,${createHmac("sha256", secret.key).update(content).digest("base64")}`;
  }
  const signature = await crypto.subtle.sign("Ed25519", secret.key, content);
  return `v1a,${new Uint8Array(signature).toBase64()}`;
}
