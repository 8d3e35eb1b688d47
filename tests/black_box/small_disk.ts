/** SQLite on a disk that takes no more, and then does again. */
import type { PatchbayProcess } from "../support/patchbay_process.ts";
import { openSqliteFile, type SqliteTestStore } from "./stores.ts";

export interface Disk extends AsyncDisposable {
  readonly store: SqliteTestStore;
  /** From now on it takes no more than so many bytes of what this Patchbay writes. */
  leave(patchbay: PatchbayProcess, bytes: number): Promise<void>;
  /** From now on it takes everything. */
  accept(patchbay: PatchbayProcess): Promise<void>;
}

export interface DiskKind {
  readonly says: string;
  /** How the log has to put it. */
  readonly reason: string;
  /** Whether this machine cannot play it. */
  readonly ignore: boolean;
  open(): Promise<Disk>;
}

/**
 * The words of a command that runs another one with a file system of its own in this folder: of memory, with these options
 * of `mount`, made in a namespace of its own, for which Linux asks no privileges.
 */
export function inSmallFileSystem(folder: string, options: string): readonly string[] {
  const mount = `mount -t tmpfs -o ${options} tmpfs "$0" && exec "$@"`;
  return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, folder];
}

/** Whether this machine lets us do so. */
export const hasSmallFileSystems = await works([...inSmallFileSystem("/tmp", "size=64k"), "true"]);

/** A signal that would end the process comes before the error that it is to see. */
const WITHOUT_ITS_SIGNAL = ["sh", "-c", 'trap "" XFSZ && exec "$@"', "sh"];

export const DISKS: readonly DiskKind[] = [
  {
    says: "a full disk",
    reason: "database or disk is full",
    ignore: !hasSmallFileSystems,
    open: openSmallFileSystem,
  },
  {
    says: "a disk that fails to write",
    reason: "disk I/O error",
    ignore: !await works(["prlimit", "--version"]),
    open: openLimitedDisk,
  },
];

async function openSmallFileSystem(): Promise<Disk> {
  const store = await openSqliteFile();
  const folder = store.path.slice(0, store.path.lastIndexOf("/"));
  // Nobody outside sees what is mounted, but for this way in.
  const ballast = ({ pid }: PatchbayProcess) => `/proc/${pid}/root${folder}/ballast`;
  return {
    store: { ...store, launcher: inSmallFileSystem(folder, "size=16m") },
    leave: (patchbay, bytes) => fill(ballast(patchbay), bytes),
    accept: (patchbay) => Deno.remove(ballast(patchbay)),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Writes until there is no room left, in the end byte by byte, and gives back so much of it. */
async function fill(path: string, leave: number): Promise<void> {
  using file = await Deno.open(path, { create: true, append: true });
  for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
    const bytes = new Uint8Array(size);
    while (await file.write(bytes).then(() => true, () => false));
  }
  await file.truncate((await file.stat()).size - leave);
}

/** A process may be told to write nothing to files. What it sees is no full disk (ENOSPC) but a failing one (EFBIG). */
async function openLimitedDisk(): Promise<Disk> {
  const store = await openSqliteFile();
  const limit = async ({ pid }: PatchbayProcess, bytes: string) => {
    const done = await works(["prlimit", `--pid=${pid}`, `--fsize=${bytes}:unlimited`]);
    if (!done) throw new Error(`Cannot limit process ${pid} to files of ${bytes} bytes`);
  };
  return {
    store: { ...store, launcher: WITHOUT_ITS_SIGNAL },
    // All that is written before the next checkpoint goes to the end of the log.
    leave: async (patchbay, bytes) => {
      const { size } = await Deno.stat(`${store.path}-wal`);
      await limit(patchbay, String(bytes === 0 ? 0 : size + bytes));
    },
    accept: (patchbay) => limit(patchbay, "unlimited"),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function works([command = "", ...args]: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch {
    return false;
  }
}
