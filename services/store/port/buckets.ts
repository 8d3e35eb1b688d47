/** Token buckets that all instances share. */
export interface BucketStore {
  /**
   * Takes tokens from a bucket that all instances share. 0: taken. Otherwise nothing was taken, and it is how many milliseconds
   * it lasts until there may be one. Whoever finds one may take more, and the bucket owes them: were they to wait until all
   * are there, those who want few would always come first, and a long text would never leave.
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
