import { StoreUnavailable } from "../../errors.ts";
import { DELIVERY_STATUSES, type DeliveryStatus, SMS_SINK } from "../port/deliveries.ts";
import type { StorePolicy } from "../port/store.ts";
import {
  ATTEMPTS_KEPT,
  CLOCKS_APART_MS,
  EXCERPT_MEMBER,
  KEY_MARGIN_MS,
  LATE_SPANS_KEPT,
  LATE_TEXTS_MS,
  memoryTtlMs,
  OPEN_STATUSES,
  POSITIONS_PER_EVENT,
  SPENT_STATUSES,
  STATE_DUPLICATE_WINDOW_MS,
  SWEEP_LIMIT,
  TOO_OLD_PROGRESS,
  UNHEARD_STATE,
  WAITING_STATUSES,
} from "../rules.ts";
import { TOKENS_KEPT } from "../session_rules/claims.ts";
import { STRAY_ENDING_MS } from "../session_rules/kept.ts";
import { SEATS_KEPT } from "../session_rules/seats.ts";
import { RedisReplyError, type RedisTransport, type Script } from "./transport.ts";

/** The shards of one deployment: which session lives where, and how a script is run there. */
export interface Shards {
  readonly count: number;
  /** The shard of a session, by its id. What belongs to no session has its shard by an id of its own. */
  of(id: string): number;
  /** `pb:{n}:`, before every key of a shard. All keys of a shard share the hash tag, so they share a cluster slot. */
  prefix(shard: number): string;
  /** Runs a script on a shard; `operation` completes the sentence "Cannot …". */
  run(operation: string, script: Script, shard: number, request: object): Promise<unknown>;
  /** Runs a script on every shard, in one round trip once Redis knows it; it must be one that may run twice. */
  runOnAll(operation: string, script: Script, request: object): Promise<unknown[]>;
  /** Runs plain commands on a shard in one round trip. */
  commands(operation: string, commands: readonly (readonly string[])[]): Promise<unknown[]>;
}

export function createShards(
  transport: RedisTransport,
  count: number,
  policy: StorePolicy,
): Shards {
  const policyJson = JSON.stringify({
    sessionTtlMs: policy.sessionTtlMs,
    memoryTtlMs: memoryTtlMs(policy),
    retentionMs: policy.eventRetentionMs,
    stateWindowMs: STATE_DUPLICATE_WINDOW_MS,
    lateTextsMs: LATE_TEXTS_MS,
    clocksApartMs: CLOCKS_APART_MS,
    tooOldProgress: TOO_OLD_PROGRESS,
    lateSpansKept: LATE_SPANS_KEPT,
    seatsKept: SEATS_KEPT,
    tokensKept: TOKENS_KEPT,
    strayEndingMs: STRAY_ENDING_MS,
    unheardState: UNHEARD_STATE,
    attemptsKept: ATTEMPTS_KEPT,
    sweepLimit: SWEEP_LIMIT,
    marginMs: KEY_MARGIN_MS,
    positionsPerEvent: POSITIONS_PER_EVENT,
    excerptMember: EXCERPT_MEMBER,
    smsSink: SMS_SINK,
    statuses: DELIVERY_STATUSES,
    open: setOf(OPEN_STATUSES),
    waiting: WAITING_STATUSES,
    spent: setOf(SPENT_STATUSES),
  });
  const prefix = (shard: number) => `pb:{${shard}}:`;

  async function onAll(script: Script, request: object): Promise<unknown[]> {
    const args = [requestJson(request), policyJson];
    const everyShard = Array.from({ length: count }, (_, shard) => shard);
    const asked = (...verb: string[]) =>
      transport.pipeline(everyShard.map((shard) => [...verb, "1", prefix(shard), ...args]));
    try {
      return await asked("EVALSHA", script.sha);
    } catch (error) {
      if (!(error instanceof RedisReplyError) || error.code !== "NOSCRIPT") throw error;
      return await asked("EVAL", script.text);
    }
  }

  return {
    count,
    of: (id) => count === 1 ? 0 : fnv1a(id) % count,
    prefix,
    run: (operation, script, shard, request) =>
      explained(
        operation,
        transport.script(script, [prefix(shard)], [requestJson(request), policyJson]),
      ),
    runOnAll: (operation, script, request) => explained(operation, onAll(script, request)),
    commands: (operation, commands) => explained(operation, transport.pipeline(commands)),
  };
}

/** The statuses as the keys of a table, so that Lua looks one up. */
function setOf(statuses: readonly DeliveryStatus[]): Readonly<Record<string, true>> {
  return Object.fromEntries(statuses.map((status) => [status, true]));
}

/**
 * A request as JSON that Redis's cjson reads: null members are left out (cjson.null is truthy in Lua), and lone
 * surrogates, which cjson refuses, become U+FFFD. Texts of JSON inside it escape theirs and stay as they are.
 */
function requestJson(request: object): string {
  const json = JSON.stringify(request);
  // A replacer makes it several times slower; most requests have neither.
  if (!/[:,[]null|\\ud/.test(json)) return json;
  return JSON.stringify(request, (_name, value) => {
    if (value === null) return undefined;
    return typeof value === "string" ? value.toWellFormed() : value;
  });
}

async function explained<T>(operation: string, reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (cause) {
    // A refused write (OOM, READONLY, a script's fault) leaves the caller where an absent store does.
    if (cause instanceof RedisReplyError) throw new StoreUnavailable(operation, { cause });
    if (cause instanceof StoreUnavailable) {
      throw new StoreUnavailable(operation, { cause: cause.cause });
    }
    throw cause;
  }
}

/** FNV-1a, 32 bits: spreads short ids evenly and is the same in every version (the mapping is on disk). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
