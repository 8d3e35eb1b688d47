import { Buffer } from "node:buffer";
import { page } from "../port/paging.ts";
import type { RecordName, RecordStore } from "../port/records.ts";
import { list, text } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import type { Shards } from "./shards.ts";

/** Records in Redis; every method is one script, listing one on each shard. */
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
      // null goes over the wire as absent: whether it was asked for must be said in words.
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

/** Nil stands for no record: the empty text is one. */
function heldText(reply: unknown): string | null {
  return reply === null || reply === undefined ? null : text(reply);
}

/** As Redis orders the members of an index; texts of JavaScript are ordered otherwise beyond U+FFFF. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
