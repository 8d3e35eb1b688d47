import { Buffer } from "node:buffer";
import { page } from "../port/paging.ts";
import type { RecordName, RecordStore } from "../port/records.ts";
import { list, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** Records in Redis. Every method is one script; listing runs one on each shard. */
export function createRedisRecords(shards: Shards): RecordStore {
  const shardOf = ({ near, key }: RecordName) => shards.of(near ?? key);
  return {
    async readRecord(name, nowMs) {
      const request = { ...name, nowMs };
      return heldText(
        await shards.run("read the record", SCRIPTS.readRecord, shardOf(name), request),
      );
    },
    async writeRecord(write) {
      // A request without `expected` and one with null look the same on the wire, so a word of its own says which it is.
      const request = { ...write, conditional: write.expected !== undefined };
      const [written, held] = list(
        await shards.run("write the record", SCRIPTS.writeRecord, shardOf(write), request),
      );
      return { written: Number(written) === 1, text: heldText(held) };
    },
    async listRecords({ kind, nowMs, limit, cursor = "" }) {
      const request = { kind, nowMs, cursor, limit: limit + 1 };
      const replies = await Promise.all(
        Array.from(
          { length: shards.count },
          (_, shard) => shards.run("list the records", SCRIPTS.listRecords, shard, request),
        ),
      );
      const rows = replies
        .flatMap((reply) => list(reply).map(list))
        .map(([key, held]) => ({ id: text(key), text: text(held) }))
        .sort((a, b) => byBytes(a.id, b.id));
      const { items, nextCursor } = page(rows, limit);
      return { items: items.map(({ id, text }) => ({ key: id, text })), nextCursor };
    },
  };
}

/** Only nil stands for no record, because a record may hold the empty text. */
function heldText(reply: unknown): string | null {
  return reply === null || reply === undefined ? null : text(reply);
}

/** The order that Redis gives the members of an index. JavaScript orders texts differently beyond U+FFFF. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
