import type { TextOutcome } from "./text_outcome.ts";

/** What a record is about; together with its key it is the record's name. */
export type RecordKind =
  /** An `Idempotency-Key` and the answer that it stands for. */
  | "idempotency"
  /** An agent's sealed upstream credentials, by agent id. */
  | "credentials"
  /** An agent whose notifications are to be followed, by agent id, and which instance does. */
  | "subscription"
  /** What is in doubt of an agent's place in a session, sealed, by a hash of both. */
  | "doubt"
  /** A running instance, by its id. It lapses when the instance dies. */
  | "instance"
  /** A text that came in, by its MessageSid. */
  | "inbound-sms"
  /** How far a text got, by delivery and part. */
  | "sms-status"
  /** A customer who wants no texts, by the customer and whom of us it was said to. */
  | "opt-out"
  /** What the store was begun with (`charter.ts`). */
  | "charter";

/** The name of a record. */
export interface RecordName {
  readonly kind: RecordKind;
  /** Any text up to 512 characters. */
  readonly key: string;
  /**
   * The session that the record belongs to. The record is then kept in that session's shard, so that publishing can look at it
   * in the same step ({@link RecordGuard}). The same key near a session and near none names two records.
   */
  readonly near?: string;
}

export interface RecordWrite extends RecordName {
  /** What the record is to hold; null removes it. */
  readonly text: string | null;
  /** The write is done only if the record holds exactly this, or, with null, only if there is none. Left out, it is always done. */
  readonly expected?: string | null;
  /** When the record lapses by itself; null for never. */
  readonly untilMs: number | null;
  /** Only of `sms-status`, whose key is a delivery's id: becomes that delivery's outcome in the same step. */
  readonly outcome?: TextOutcome;
  readonly nowMs: number;
}

export interface RecordWritten {
  /** False where the record did not hold `expected`, and nothing was done. */
  readonly written: boolean;
  /** What the record holds now. */
  readonly text: string | null;
}

/**
 * A condition and a change that go with a draft: it is published only while the record holds `expected`, and in the same step
 * the record becomes `text`. Otherwise the draft is dropped like a duplicate. `near` is the draft's session.
 */
export interface RecordGuard {
  readonly kind: RecordKind;
  readonly key: string;
  readonly expected: string | null;
  readonly text: string;
  readonly untilMs: number | null;
  /** As in {@link RecordWrite}. */
  readonly outcome?: TextOutcome;
}

/** Small texts under names, each changed in one atomic step. A record past its time counts as absent. */
export interface RecordStore {
  readRecord(name: RecordName, nowMs: number): Promise<string | null>;
  writeRecord(write: RecordWrite): Promise<RecordWritten>;
  /** The records of one kind that belong to no session, in the order of their keys. */
  listRecords(
    page: {
      readonly kind: RecordKind;
      readonly nowMs: number;
      readonly limit: number;
      readonly cursor?: string;
    },
  ): Promise<{
    readonly items: readonly { readonly key: string; readonly text: string }[];
    /** Null on the last page. */
    readonly nextCursor: string | null;
  }>;
}
