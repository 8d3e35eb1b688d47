import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { runPatchbayToItsEnd } from "../support/patchbay_process.ts";
import { hasSmallFileSystems, inSmallFileSystem } from "./small_disk.ts";

const GOOD = {
  UPSTREAM_URL: "https://contact-centre.example",
  JWT_ISSUER: "https://login.example",
  JWT_AUDIENCE: "patchbay",
  JWKS_URL: "http://127.0.0.1:9/jwks.json",
};

interface Case {
  readonly says: string;
  /** Makes what Patchbay finds in an empty folder; returns SQLITE_PATH, by default `patchbay.db` in there. */
  readonly prepare?: (folder: string) => string | void | Promise<string | void>;
  readonly launcher?: (folder: string) => readonly string[];
  /** The sentence, `DB` standing for the path. */
  readonly sentence: string;
}

const WHOLE = "expected a whole SQLite database; restore it and its key file from a backup, " +
  "or save what can be read with sqlite3's .recover";
const WRITABLE =
  "expected SQLITE_PATH to name a file in a folder where Patchbay may read and write";

const CASES: readonly Case[] = [
  {
    says: "a file of another kind",
    prepare: (folder) => Deno.writeTextFile(`${folder}/patchbay.db`, "a letter ".repeat(1_000)),
    sentence:
      `Cannot open the database DB: the store is unavailable (file is not a database: ${WHOLE})`,
  },
  {
    says: "a damaged database",
    prepare: damagedDatabase,
    sentence:
      `Cannot open the database DB: the store is unavailable (database disk image is malformed: ${WHOLE})`,
  },
  {
    says: "a path that leads through a file",
    async prepare(folder) {
      await Deno.writeTextFile(`${folder}/file`, "");
      return `${folder}/file/patchbay.db`;
    },
    sentence: "Cannot open the database DB: the store is unavailable " +
      `(ENOTDIR: not a directory, stat 'DB': ${WRITABLE})`,
  },
  {
    says: "a folder that cannot be written to",
    launcher: (folder) => inSmallFileSystem(folder, "ro"),
    sentence: "Cannot open the database DB: the store is unavailable " +
      `(EROFS: read-only file system, open 'DB': ${WRITABLE})`,
  },
  {
    says: "a disk without any room",
    launcher: (folder) => inSmallFileSystem(folder, "size=64k"),
    sentence: "Cannot open the database DB: the store is unavailable " +
      "(database or disk is full: expected room for the database and its log)",
  },
  {
    says: "a key file that cannot be read",
    prepare: (folder) => Deno.mkdir(`${folder}/patchbay.db.key`),
    sentence: "Cannot read or write the key file DB.key " +
      "(Is a directory (os error 21): readfile 'DB.key'): " +
      "expected a file beside the database, in a folder where Patchbay may read and write",
  },
];

for (const { says, prepare = () => {}, launcher, sentence } of CASES) {
  Deno.test({
    name: `${says} is told in a sentence at the start, and the exit status is 69`,
    ignore: launcher !== undefined && !hasSmallFileSystems,
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        const path = await prepare(folder) ?? `${folder}/patchbay.db`;
        const running = launcher === undefined ? {} : { launcher: launcher(folder) };
        const { code, stdout, stderr } = await runPatchbayToItsEnd(
          { ...GOOD, SQLITE_PATH: path },
          running,
        );
        assert.deepEqual([code, stdout, stderr], [69, "", `${sentence.replaceAll("DB", path)}\n`]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** One whose list of tables has been written over. */
function damagedDatabase(folder: string): void {
  const path = `${folder}/patchbay.db`;
  const db = new DatabaseSync(path);
  db.exec("CREATE TABLE t (x)");
  db.close();
  using file = Deno.openSync(path, { write: true });
  // The header of a file takes its first 100 bytes: https://www.sqlite.org/fileformat.html#the_database_header
  file.seekSync(100, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(40).fill(0xff));
}
