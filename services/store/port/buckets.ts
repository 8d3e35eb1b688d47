/** Token buckets that all instances share. */
export interface BucketStore {
  /**
   * Takes tokens from a bucket that all instances share. Returns 0 where they were taken; otherwise nothing was taken, and the
   * number says in how many milliseconds there may be a token. Whoever finds one token may take more, and the bucket then owes
   * them. If everybody waited until all their tokens are there, those who want few would always come first, and a long text
   * would never leave.
   */
  takeTokens(
    request: {
      /** Names the bucket, for example a sender's number. */
      readonly bucket: string;
      readonly tokens: number;
      readonly perSecond: number;
      readonly burst: number;
      readonly nowMs: number;
    },
  ): Promise<number>;
}
