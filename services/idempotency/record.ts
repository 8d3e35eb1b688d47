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

/** Within what a key has its meaning: for one agent, on one session and path. */
export function scopeOf({ agentId, sessionId, path, key }: IdempotentRequest): string {
  return JSON.stringify([agentId, sessionId, path, key]);
}

/** Where the record of a request stands: with its session, under a name that gives nothing away. */
export function recordNameOf(request: IdempotentRequest): RecordName {
  return { kind: "idempotency", key: sha256(scopeOf(request)), near: request.sessionId };
}

/**
 * Two requests under one key are the same when their bodies and queries are, byte for byte. The key goes into the hash too,
 * because a bare hash of a short text would tell which text it is.
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
  /** The first request is being acted on. Each has a fresh token, so that none takes another's mark for its own. */
  v.object({ state: v.literal("under-way"), fingerprint: v.string(), token: v.string() }),
  /** It was acted on. The token is that of its mark, and the salt of the sealed answer. */
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

/**
 * Reads such a text back.
 * @throws for any other text, which only another program can have written to the store
 */
export function decodeIdempotencyRecord(text: string): IdempotencyRecord {
  return v.parse(RECORD, JSON.parse(text));
}
