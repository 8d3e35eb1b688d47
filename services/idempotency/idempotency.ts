import type { Clock } from "../support/clock.ts";
import { IdempotencyConflict, IdempotencyMismatch } from "../errors.ts";
import type { Ids } from "../support/ids.ts";
import type { Logger } from "../support/log.ts";
import { createFollowUps } from "../store/follow_ups.ts";
import type { RecordName, RecordStore } from "../store/port/records.ts";
import {
  decodeIdempotencyRecord,
  encodeIdempotencyRecord,
  fingerprintOf,
  type IdempotencyRecord,
  type IdempotentRequest,
  recordNameOf,
  scopeOf,
} from "./record.ts";
import { type KeptAnswer, openAnswer, sealAnswer } from "./sealed_answer.ts";

/** How long the first answer is repeated (DESIGN §6). */
export const ANSWER_KEPT_MS = 24 * 60 * 60_000;

/** Operations answer with a few dozen bytes. Of a body longer than this nothing is kept but that there was one. */
export const MAX_KEPT_BODY_BYTES = 256 * 1024;

/** The most that an operation takes beside the call upstream: the store before and after it, and clocks that differ. */
export const MARK_GRACE_MS = 30_000;

/** Most operations are answered within a second, so a client that asks again then gets the answer. */
const RETRY_AFTER_S = 1;

/** What acting on a request came to. */
export interface ActedOn {
  readonly answer: KeptAnswer;
  /** False when upstream surely never saw the request, so that it may be sent anew under the same key. */
  readonly mayHaveReachedUpstream: boolean;
}

export interface IdempotentAnswer {
  readonly answer: KeptAnswer;
  /** True when nothing was done now, because this is the answer to the first request. */
  readonly replayed: boolean;
}

/** Requests with an `Idempotency-Key`: each is acted on once, however often it comes (DESIGN §6). */
export interface Idempotency {
  /**
   * Calls `act` if the key is new to the agent, session and path, and keeps its answer; otherwise gives the answer that was kept.
   *
   * The key is marked before `act` is called, so nothing is done while the store is down. An answer that cannot be kept
   * afterwards is written again in the background while the mark stands; the client has its answer all the same. A mark lapses
   * by itself when the longest call upstream would be over: only a process that dies in between, or a store that stays
   * away as long, leaves a request that may have reached upstream without a memory of it.
   *
   * @throws `IdempotencyConflict` while the first is under way (or its answer was too long to be kept), `IdempotencyMismatch` for
   * another body, `StoreUnavailable`, and whatever `act` throws: the mark then stays until it lapses.
   */
  once(request: IdempotentRequest, act: () => Promise<ActedOn>): Promise<IdempotentAnswer>;
  /** Resolves once nothing is under way and all answers are kept, or given up; for the drain. */
  settled(): Promise<void>;
}

export interface IdempotencyOptions {
  readonly records: Pick<RecordStore, "writeRecord">;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "token">;
  readonly log: Logger;
  /** How long one call upstream can take. */
  readonly upstreamTimeoutMs: number;
}

/** The idempotency of one instance; what it knows is in the store, so that any other instance can answer. */
export function createIdempotency(
  { records, clock, ids, log, upstreamTimeoutMs }: IdempotencyOptions,
): Idempotency {
  const followUps = createFollowUps({ clock, log });
  const underWay = new Set<Promise<unknown>>();

  async function once(
    request: IdempotentRequest,
    act: () => Promise<ActedOn>,
  ): Promise<IdempotentAnswer> {
    const name = recordNameOf(request);
    const fingerprint = fingerprintOf(request);
    const token = ids.token();
    const mark = encodeIdempotencyRecord({ state: "under-way", fingerprint, token });
    const nowMs = clock.now();
    const untilMs = nowMs + upstreamTimeoutMs + MARK_GRACE_MS;
    const { written, text } = await records.writeRecord(
      { ...name, text: mark, expected: null, untilMs, nowMs },
    );
    if (!written) return { answer: await keptAnswer(text, request, fingerprint), replayed: true };

    const acting = actAndKeep({ request, name, fingerprint, token, mark, untilMs }, act);
    underWay.add(acting);
    try {
      return { answer: await acting, replayed: false };
    } finally {
      underWay.delete(acting);
    }
  }

  async function actAndKeep(marked: Marked, act: () => Promise<ActedOn>): Promise<KeptAnswer> {
    const { answer, mayHaveReachedUpstream } = await act();
    const kept = mayHaveReachedUpstream
      ? encodeIdempotencyRecord(await answeredRecord(marked, answer))
      : null;
    await followUps.perform({
      sessionId: marked.request.sessionId,
      action: mayHaveReachedUpstream ? "keep-answer" : "free-key",
      giveUpAtMs: marked.untilMs,
      run: () => replaceMark(marked, kept),
    });
    return answer;
  }

  async function replaceMark(
    { name, mark, request: { sessionId } }: Marked,
    text: string | null,
  ): Promise<void> {
    const nowMs = clock.now();
    const untilMs = text === null ? null : nowMs + ANSWER_KEPT_MS;
    const now = await records.writeRecord({ ...name, text, expected: mark, untilMs, nowMs });
    // The try that failed may be the one that wrote it.
    if (!now.written && now.text !== text) log.warn("idempotency.mark_lost", { sessionId });
  }

  return {
    once,
    async settled() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
      await followUps.settled();
    },
  };
}

/** A request that was the first under its key. */
interface Marked {
  readonly request: IdempotentRequest;
  readonly name: RecordName;
  readonly fingerprint: string;
  readonly token: string;
  /** The record's text for as long as the request is under way. */
  readonly mark: string;
  readonly untilMs: number;
}

async function answeredRecord(
  { request, fingerprint, token }: Marked,
  answer: KeptAnswer,
): Promise<IdempotencyRecord> {
  if (answer.body.byteLength > MAX_KEPT_BODY_BYTES) return { state: "too-long", fingerprint };
  const sealedAnswer = await sealAnswer(answer, { scope: scopeOf(request), salt: token });
  return { state: "answered", fingerprint, token, sealedAnswer };
}

/** The answer that a record's text holds for this very request. */
async function keptAnswer(
  text: string | null,
  request: IdempotentRequest,
  fingerprint: string,
): Promise<KeptAnswer> {
  // The mark lapsed or was freed just now, so the next request under the key is the first again.
  if (text === null) throw stillUnderWay();
  const record = decodeIdempotencyRecord(text);
  if (record.fingerprint !== fingerprint) {
    throw new IdempotencyMismatch(
      "Cannot use this Idempotency-Key again: expected the body that it was first used with",
    );
  }
  switch (record.state) {
    case "answered":
      return await openAnswer(record.sealedAnswer, { scope: scopeOf(request), salt: record.token });
    case "under-way":
      throw stillUnderWay();
    case "too-long":
      throw new IdempotencyConflict(
        `Cannot repeat the answer: expected at most ${MAX_KEPT_BODY_BYTES} bytes, and it was longer`,
      );
  }
}

function stillUnderWay(): IdempotencyConflict {
  return new IdempotencyConflict(
    "Cannot answer yet: the first request with this Idempotency-Key is still under way",
    { headers: { "retry-after": String(RETRY_AFTER_S) } },
  );
}
