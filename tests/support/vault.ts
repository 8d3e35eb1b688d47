import { StoreUnavailable } from "../../services/errors.ts";
import { createSealer } from "../../services/sealing/secrets.ts";
import type { RecordStore } from "../../services/store/port/records.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import {
  createCredentialVault,
  type CredentialVault,
} from "../../services/contact_centre/rest/vault.ts";
import { createMemoryLog, type MemoryLog } from "./memory_log.ts";
import { createVirtualClock, type VirtualClock } from "./virtual_clock.ts";

/** 32 bytes, all alike. */
export const sealingKey = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** A store for vaults whose steps are counted and can be made to fail or to wait. */
export interface TestVaults extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly log: MemoryLog;
  /** The agents whose credentials an instance found changed. */
  readonly changed: readonly string[];
  /** Another instance over the same store; the first of the keys seals. */
  vault(keys?: readonly Uint8Array[]): CredentialVault;
  /** The sealed text that is kept for the agent. */
  kept(agentId: string): Promise<string | null>;
  /** Puts a text in place of what is kept. */
  plant(agentId: string, text: string): Promise<void>;
  /** Reads so far. */
  reads(): number;
  /** While the store is away every step throws `StoreUnavailable`. */
  setAway(away: boolean): void;
  /** Reads find what is there when they begin, and tell it once this promise resolves. */
  delayReads(until: Promise<void>): void;
}

export function createTestVaults(
  { path = ":memory:" }: { readonly path?: string } = {},
): TestVaults {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const policy = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };
  const store = openSqliteStore({ path, sync: "normal", policy });
  const changed: string[] = [];
  let reads = 0;
  let away = false;
  let delay = Promise.resolve();

  const records: Pick<RecordStore, "readRecord" | "writeRecord"> = {
    async readRecord(name, nowMs) {
      reads++;
      if (away) throw new StoreUnavailable("read a record");
      const text = await store.readRecord(name, nowMs);
      await delay;
      return text;
    },
    writeRecord(write) {
      if (away) throw new StoreUnavailable("write a record");
      return store.writeRecord(write);
    },
  };
  const nameOf = (key: string) => ({ kind: "credentials", key }) as const;

  return {
    clock,
    log,
    changed,
    vault: (keys = [sealingKey(1)]) =>
      createCredentialVault({
        records,
        sealer: createSealer(keys),
        clock,
        log,
        onChanged(agentId) {
          changed.push(agentId);
          return Promise.resolve();
        },
      }),
    kept: (agentId) => store.readRecord(nameOf(agentId), clock.now()),
    async plant(agentId, text) {
      await store.writeRecord({ ...nameOf(agentId), text, untilMs: null, nowMs: clock.now() });
    },
    reads: () => reads,
    setAway: (isAway) => away = isAway,
    delayReads: (until) => delay = until,
    [Symbol.asyncDispose]: () => store.close(),
  };
}
