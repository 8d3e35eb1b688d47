import type { BucketStore } from "../port/buckets.ts";
import { bucketId } from "../rules.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** Token buckets in Redis. */
export function createRedisBuckets(shards: Shards): BucketStore {
  return {
    async takeTokens({ bucket, ...request }) {
      const reply = await shards.run("take tokens", SCRIPTS.takeTokens, shards.of(bucket), {
        ...request,
        bucketId: bucketId(bucket),
      });
      return Number(reply);
    },
  };
}
