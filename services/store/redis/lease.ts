/** A lease token as a caller has it: the shard travels in it, as settling must find it and a delivery's id does not tell. */
export function leaseOnShard(shard: number, token: string): string {
  return `${shard}.${token}`;
}

/** What {@link leaseOnShard} put together. */
export function readLease(leaseToken: string): { readonly shard: number; readonly token: string } {
  const dot = leaseToken.indexOf(".");
  return { shard: Number(leaseToken.slice(0, dot)), token: leaseToken.slice(dot + 1) };
}
