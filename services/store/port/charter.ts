/** What a process goes by that opens a store. */
export interface StoreTerms {
  /** Over how many hash tags the sessions are spread; always 1 in SQLite. */
  readonly shards: number;
  /** Names of the keys in use, the one that seals first (`keyIdOf` in `sealing/secrets.ts`). */
  readonly keyIds: readonly [string, ...string[]];
}

/**
 * What a store was begun with: the first process writes it down, and each later one has to go by the same. With another
 * number of shards two agents could hold one session; with another key every attempt would fail.
 */
export interface CharterStore {
  /**
   * Compares the charter with these terms, and writes one where there is none. Resolves when both fit. An engine that
   * connects late compares before its next use if it cannot do so now, and is not used before; `onRefused` is called
   * once when it does not fit then.
   *
   * @throws OtherTerms when they do not fit
   * @throws StoreUnavailable when the store cannot be asked
   */
  agree(terms: StoreTerms, onRefused?: (refusal: Error) => void): Promise<void>;
}
