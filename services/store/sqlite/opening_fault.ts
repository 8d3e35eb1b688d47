/** What opening a database says is wrong, in the words of SQLite and of the operating system, and what was wanted. */
const WANTED: readonly (readonly [fault: RegExp, wanted: string])[] = [
  [
    /^(?:file is not a database|database disk image is malformed)$/,
    "expected a whole SQLite database; restore it and its key file from a backup, " +
    "or save what can be read with sqlite3's .recover",
  ],
  [/^database or disk is full$|^ENOSPC/, "expected room for the database and its log"],
  [/^database is locked$/, "expected no other program that keeps it locked"],
  [
    /^unable to open database file$|readonly database|^(?:EACCES|EPERM|EROFS|EISDIR|ENOTDIR)\b/,
    "expected SQLITE_PATH to name a file in a folder where Patchbay may read and write",
  ],
  [
    /^Requires (?:read|write) access/,
    "expected SQLITE_PATH in the folder data, or Deno's --allow-read and --allow-write for its folder (docs/security.md)",
  ],
  [/^disk I\/O error$/, "expected SQLITE_PATH to name a file on a disk that reads and writes"],
];

/** The same fault with what was wanted behind it, where that is known: for who starts Patchbay. */
export function explainOpening(fault: unknown): unknown {
  if (!(fault instanceof Error)) return fault;
  const [, wanted] = WANTED.find(([words]) => words.test(fault.message)) ?? [];
  return wanted === undefined ? fault : new Error(`${fault.message}: ${wanted}`, { cause: fault });
}
