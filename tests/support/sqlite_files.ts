/** The files of a database, with what stands in them, by their names; what is not there is left out. */
export async function readSqliteFiles(path: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const suffix of ["", "-wal", "-shm"]) {
    try {
      files.set(`db${suffix}`, await Deno.readFile(path + suffix));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files;
}
