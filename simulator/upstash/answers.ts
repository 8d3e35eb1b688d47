import { Buffer } from "node:buffer";
import type { RespReply } from "../../services/store/redis/resp_link.ts";
import { isArray } from "./run_commands.ts";

/** How strings are written in a JSON answer. */
export type Encoding = "text" | "base64";

/** One command's part of a JSON answer. */
export type JsonItem = { readonly result: JsonReply } | { readonly error: string };
type JsonReply = string | number | null | readonly JsonReply[];

/**
 * A reply as Upstash writes it: `{result}` or `{error}`. Integers beyond 2^53 lose their last digits here, as they
 * would where the JSON is read.
 */
export function toJsonItem(reply: RespReply, encoding: Encoding): JsonItem {
  if (reply instanceof Error) return { error: reply.message };
  // The one string that `Upstash-Encoding: base64` leaves alone. A stored "OK" is a bulk string, thus bytes here.
  if (reply === "OK") return { result: "OK" };
  return { result: toJson(reply, encoding) };
}

function toJson(reply: RespReply, encoding: Encoding): JsonReply {
  if (reply === null || typeof reply === "number") return reply;
  if (isArray(reply)) return reply.map((item) => toJson(item, encoding));
  const bytes = Buffer.isBuffer(reply)
    ? reply
    : Buffer.from(reply instanceof Error ? reply.message : reply);
  // Node's decoder keeps a byte order mark and writes U+FFFD for what is not UTF-8, as Upstash does.
  return encoding === "base64" ? bytes.toString("base64") : bytes.toString("utf8");
}

/** A reply in RESP 2 (https://redis.io/docs/latest/develop/reference/protocol-spec/); every null is a null bulk string. */
export function toResp2(reply: RespReply): Buffer {
  if (reply === null) return Buffer.from("$-1\r\n");
  if (typeof reply === "number") return Buffer.from(`:${reply}\r\n`);
  if (typeof reply === "string") return Buffer.from(`+${reply}\r\n`);
  if (reply instanceof Error) return Buffer.from(`-${reply.message}\r\n`);
  if (isArray(reply)) {
    return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...reply.map(toResp2)]);
  }
  return Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from("\r\n")]);
}
