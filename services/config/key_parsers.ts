import { EXPECTED_PUBLIC_KEY } from "../auth/public_key_text.ts";
import { SIGNATURE_ALGORITHMS } from "../auth/verification_key.ts";
import { parseEncryptionKey } from "../sealing/encryption_key.ts";
import { commaList, oneOf, type Parser } from "./parsers.ts";

/** The signature algorithms that a token may have. */
export const signatureAlgorithms: Parser<readonly string[]> = commaList(
  oneOf(SIGNATURE_ALGORITHMS).parse,
  {
    expected: `some of ${SIGNATURE_ALGORITHMS.join(", ")}, separated by commas`,
    max: SIGNATURE_ALGORITHMS.length,
  },
);

/** What a single key of `ENCRYPTION_KEY` looks like; ends the sentence "expected …". */
export const ENCRYPTION_KEY_FORM = "32 bytes in base64, as `openssl rand -base64 32` prints them";

/** The keys that seal secrets at rest: the first one seals, the others open what earlier deployments sealed. */
export const encryptionKeys: Parser<readonly Uint8Array[]> = commaList(
  (text) => parseEncryptionKey(text) ?? undefined,
  {
    expected: `${ENCRYPTION_KEY_FORM}; a new key, then older ones, separated by commas`,
    max: 16,
  },
);

/** Verification keys as text. Whether they verify anything hangs on JWT_ALGORITHMS, so a rule of its own says it. */
export const publicKeyText: Parser<string> = {
  expected: EXPECTED_PUBLIC_KEY,
  parse: (text) => text.trim(),
};
