import { createLocalJWKSet } from "jose";
import type { Logger } from "../support/log.ts";
import type { KeySet } from "./key_set.ts";
import { readPublicKeys } from "./public_key_text.ts";
import { describeSkipped } from "./verification_key.ts";

/**
 * The key set that a configured text holds, as `readPublicKeys` reads it. A key that stands alone and has no `kid` of its
 * own serves tokens with any `kid`.
 *
 * @throws TypeError when the text holds no key that one of `algorithms` can verify with, or holds a secret one
 */
export function createStaticKeySet(
  { untrustedText, algorithms, log }: {
    readonly untrustedText: string;
    readonly algorithms: readonly string[];
    readonly log: Pick<Logger, "warn">;
  },
): KeySet {
  const reading = readPublicKeys(untrustedText, algorithms);
  if (!reading.ok) throw new TypeError(`Cannot use JWT_PUBLIC_KEY: ${reading.reason}`);
  const { usable, skipped } = reading.keys;
  if (skipped.length > 0) {
    log.warn("key_set.unusable_keys", { skipped: describeSkipped(skipped), usable: usable.length });
  }
  const local = createLocalJWKSet({ keys: [...usable] });
  const isNameless = usable.length === 1 && usable[0]?.kid === undefined;
  return {
    keyFor: ({ kid, ...header }, token) =>
      local(isNameless || kid === undefined ? header : { ...header, kid }, token),
    renew: () => Promise.resolve(false),
    warm: () => Promise.resolve(),
    state: () => ({ loaded: true, ageMs: 0 }),
  };
}
