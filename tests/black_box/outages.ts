import { DatabaseSync } from "node:sqlite";
import { ignoredWithoutRedis } from "../support/needs_redis.ts";
import { openRedis, openSqliteFile, type TestStore } from "./stores.ts";

/** A store that can be taken away from Patchbay, and given back. */
export interface Outage extends AsyncDisposable {
  readonly store: TestStore;
  down(): void | Promise<void>;
  up(): void | Promise<void>;
}

/** One way in which a store goes away. */
export interface OutageKind {
  readonly name: string;
  readonly open: () => Promise<Outage>;
  /** Whether what only reads fails too. */
  readonly readsFail: boolean;
  /** Whether it cannot be played on this machine. */
  readonly ignore: boolean;
}

export const OUTAGES: readonly OutageKind[] = [
  {
    name: "another program locks the SQLite file",
    open: lockedSqliteFile,
    readsFail: false,
    ignore: false,
  },
  {
    name: "Redis does not answer",
    open: silentRedis,
    readsFail: true,
    ignore: ignoredWithoutRedis(),
  },
  {
    name: "Redis is gone",
    open: endedRedis,
    readsFail: true,
    ignore: ignoredWithoutRedis(),
  },
];

/** Nobody else can write while a transaction is open that began as exclusive; with a WAL they can read. */
async function lockedSqliteFile(): Promise<Outage> {
  const store = await openSqliteFile();
  let locker: DatabaseSync | null = null;
  return {
    store,
    down() {
      // Patchbay may be writing at this moment.
      locker = new DatabaseSync(store.path, { timeout: 2_000 });
      locker.exec("BEGIN EXCLUSIVE");
    },
    up: () => locker?.close(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function silentRedis(): Promise<Outage> {
  const store = await openRedis();
  return {
    store,
    down: store.server.pause,
    up: store.server.resume,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function endedRedis(): Promise<Outage> {
  const store = await openRedis({ appendOnly: true });
  return {
    store,
    down: store.server.kill,
    up: store.server.restart,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
