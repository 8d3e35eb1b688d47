import { StoreUnavailable } from "../errors.ts";
import type { RecordStore } from "../store/port/records.ts";
import type { Clock } from "../support/clock.ts";
import {
  decideOptOut,
  decodeEntry,
  encodeEntry,
  type OptOutChange,
  type OptOutEntry,
  optOutKeyPrefix,
} from "./opt_out_ledger.ts";

/** An entry of the ledger with its place there. */
export interface OptOutRecord {
  readonly key: string;
  readonly entry: OptOutEntry;
}

/** The ledger's entries in the store. Every method throws `StoreUnavailable` when the store is. */
export interface OptOutRecords {
  /** All entries of one customer, whichever senders they are about. */
  of(customer: string): Promise<readonly OptOutRecord[]>;
  /** Entries of whoever is opted out, in the order of their keys, from behind `cursor` on. */
  list(
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<{ readonly items: readonly OptOutRecord[]; readonly nextCursor: string | null }>;
  /** Writes a change into one entry. `told` is the event that tells of it (again, for a repeated source); null: none does. */
  change(
    key: string,
    change: OptOutChange,
  ): Promise<{ readonly told: string | null; readonly isNew: boolean }>;
}

/** Each lost race is somebody else's success, so this many in a row mean a fault. */
const MAX_TRIES = 10;

/** How long it is remembered that somebody opted in again: for as long as an older text may be repeated. */
const OPTED_IN_KEPT_MS = 48 * 3_600_000;

const PAGE = 100;
const NOTHING = { told: null, isNew: false };

export function createOptOutRecords(
  { records, clock }: {
    readonly records: Pick<RecordStore, "readRecord" | "writeRecord" | "listRecords">;
    readonly clock: Clock;
  },
): OptOutRecords {
  async function page(limit: number, cursor: string | undefined) {
    const { items, nextCursor } = await records.listRecords({
      kind: "opt-out",
      nowMs: clock.now(),
      limit,
      ...(cursor !== undefined && { cursor }),
    });
    return {
      items: items.map(({ key, text }) => ({ key, entry: decodeEntry(key, text) })),
      nextCursor,
    };
  }

  return {
    async of(customer) {
      const prefix = optOutKeyPrefix(customer);
      const found: OptOutRecord[] = [];
      for (let cursor: string | null = prefix; cursor !== null;) {
        const { items, nextCursor }: Awaited<ReturnType<typeof page>> = await page(PAGE, cursor);
        const own = items.filter(({ key }) => key.startsWith(prefix));
        found.push(...own);
        cursor = own.length === items.length ? nextCursor : null;
      }
      return found;
    },
    async list({ limit, cursor }) {
      const found: OptOutRecord[] = [];
      for (let from = cursor;;) {
        const { items, nextCursor } = await page(limit - found.length, from);
        found.push(...items.filter(({ entry }) => entry.state === "out"));
        if (nextCursor === null || found.length >= limit) return { items: found, nextCursor };
        from = nextCursor;
      }
    },
    async change(key, change) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const nowMs = clock.now();
        const name = { kind: "opt-out", key } as const;
        const text = await records.readRecord(name, nowMs);
        const decision = decideOptOut(text === null ? null : decodeEntry(key, text), change);
        if (decision.kind === "nothing") return NOTHING;
        if (decision.kind === "repeat") return { told: decision.eventId, isNew: false };
        const { written } = await records.writeRecord({
          ...name,
          text: encodeEntry(decision.entry),
          expected: text,
          untilMs: decision.entry.state === "out" ? null : nowMs + OPTED_IN_KEPT_MS,
          nowMs,
        });
        if (!written) continue;
        return decision.kind === "confirm" ? NOTHING : { told: change.eventId, isNew: true };
      }
      throw new StoreUnavailable("write down an opt-out that keeps changing");
    },
  };
}
