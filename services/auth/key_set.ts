import type { JWTVerifyGetKey } from "jose";

/** An issuer's public keys, as the token verifier needs them. */
export interface KeySet {
  /**
   * The key for a token's header, in the form that `jwtVerify` of jose takes.
   *
   * @throws jose's `JWKSNoMatchingKey` when no key of the set fits, `JWKSMultipleMatchingKeys` when several do: that is the
   * token's fault. Throws `KeysUnavailable` when there is no set to look in, which is not.
   */
  readonly keyFor: JWTVerifyGetKey;
  /**
   * After a signature that no key fits: asks for the set anew where that may be done now, and tells whether there is a new
   * one to try. An issuer may give another key the name of an old one, or none.
   */
  renew(): Promise<boolean>;
  /** Gets the keys ahead of the first token. It never throws: a failure is logged, and the next token makes it try again. */
  warm(): Promise<void>;
  state(): KeySetState;
}

/** What the check of readiness asks. */
export interface KeySetState {
  /** Whether a token can be verified now. */
  readonly loaded: boolean;
  /** The age of the newest set in milliseconds; null while there has been none. */
  readonly ageMs: number | null;
}
