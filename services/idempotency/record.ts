import { createHash } from "node:crypto";
import * as v from "valibot";
import type { RecordName } from "../store/port/records.ts";

/** A request that is to be acted on once. */
export interface IdempotentRequest {
  readonly agentId: string;
  readonly sessionId: string;
  /** Where the operation goes upstream, without the query. */
  readonly path: string;
  /** The query as it came, with its `?`, or empty. */
  readonly search: string;
  /** What the client calls the request, see `readIdempotencyKey`. */
  readonly key: string;
  /** Exactly the bytes that came. */
  readonly body: Uint8Array;
}

/** A key means what it means to one agent on one path. */
export function scopeOf({ agentId, sessionId, path, key }: IdempotentRequest): string {
  return JSON.stringify([agentId, sessionId, path, key]);
}

/** Where the record of a request stands: with its session, under a name that gives nothing away. */
export function recordNameOf(request: IdempotentRequest): RecordName {
  return { kind: "idempotency", key: sha256(scopeOf(request)), near: request.sessionId };
}

/**
 * Two requests under one key are the same when their bodies and queries are, byte for byte. The key goes into the hash too: of a
 * short text a bare hash would tell which one it is.
 */
export function fingerprintOf(request: IdempotentRequest): string {
  return sha256(`${scopeOf(request)}\n${JSON.stringify(request.search)}\n`, request.body);
}

function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

const RECORD = v.variant("state", [
  /** The first request is being acted on. The token is fresh for each, so that none takes another's mark for its own. */
  v.object({ state: v.literal("under-way"), fingerprint: v.string(), token: v.string() }),
  /** It was acted on; the token is its mark's, and the salt of the sealed answer. */
  v.object({
    state: v.literal("answered"),
    fingerprint: v.string(),
    token: v.string(),
    sealedAnswer: v.string(),
  }),
  /** It was acted on, and the answer was longer than what is kept. */
  v.object({ state: v.literal("too-long"), fingerprint: v.string() }),
]);

/** What stands under an idempotency key. */
export type IdempotencyRecord = Readonly<v.InferOutput<typeof RECORD>>;

/** The text of a record, for the store. */
export function encodeIdempotencyRecord(record: IdempotencyRecord): string {
  return JSON.stringify(record);
}

/** Reads such a text back. Throws for one that is none: another program writes to the store. */
export function decodeIdempotencyRecord(text: string): IdempotencyRecord {
  return v.parse(RECORD, JSON.parse(text));
}
