/** What a record is about; together with its key it is the record's name. */
export type RecordKind =
  /** An `Idempotency-Key` and the answer that it stands for. */
  | "idempotency"
  /** An agent's sealed upstream credentials, by agent id. */
  | "credentials"
  /** An agent whose notifications are to be followed, by agent id, and which instance does. */
  | "subscription"
  /** A running instance, by its id; lapses when the instance dies. */
  | "instance"
  /** A text that came in, by its MessageSid. */
  | "inbound-sms"
  /** How far a text got, by delivery and part. */
  | "sms-status"
  /** A customer who wants no texts, by both numbers. */
  | "opt-out";

/** The name of a record. */
export interface RecordName {
  readonly kind: RecordKind;
  /** Any text up to 512 characters. */
  readonly key: string;
  /**
   * The session that the record belongs to: it is then kept in that session's shard, so that publishing can look at it in the
   * same step ({@link RecordGuard}). A record with and one without are two records.
   */
  readonly near?: string;
}

export interface RecordWrite extends RecordName {
  /** What it is to hold; null: the record goes. */
  readonly text: string | null;
  /** Only if the record now holds exactly this; null: only if there is none. Absent: whatever is there. */
  readonly expected?: string | null;
  /** When it goes by itself; null: never. */
  readonly untilMs: number | null;
  readonly nowMs: number;
}

export interface RecordWritten {
  /** False: `expected` was not there, and nothing was done. */
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
}

/** Small texts under names, each changed in one atomic step. A record past its time reads as absent. */
export interface RecordStore {
  readRecord(name: RecordName, nowMs: number): Promise<string | null>;
  writeRecord(write: RecordWrite): Promise<RecordWritten>;
  /** The records of one kind that belong to no session, by key. */
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
