/** A token that is good no more, although its signature is. */
export interface Revocation {
  /** Stands for the token; up to 512 characters. */
  readonly tokenId: string;
  /** Until then it is remembered. */
  readonly untilMs: number;
}

/** The list of revoked tokens. Whoever has read it to its end asks for what has come since. */
export interface RevocationStore {
  /** Puts a token at the end of the list. One that is on it moves there, and keeps the later of the two times. */
  revokeToken(revocation: Revocation & { readonly nowMs: number }): Promise<void>;
  /** Up to `limit` tokens in the order in which they were revoked, without those that are past their time. */
  listRevocations(
    page: {
      /** The `position` of an earlier reading; 0 for all. */
      readonly after: number;
      readonly limit: number;
      readonly nowMs: number;
    },
  ): Promise<{
    readonly revocations: readonly Revocation[];
    /** How far this reading has come; `after` itself where nothing came behind it. */
    readonly position: number;
    /** Whether that is the end of the list. */
    readonly isEnd: boolean;
  }>;
}
