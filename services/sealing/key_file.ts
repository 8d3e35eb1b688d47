import { dirname } from "node:path";
import { createEncryptionKey, parseEncryptionKey } from "./encryption_key.ts";

/** The key file holds no key. It is left as it is, because secrets may be sealed with the key that it once held. */
export class UnusableKeyFile extends Error {
  constructor(path: string) {
    super(
      `Cannot use the key file ${path}: expected 32 bytes in base64; ` +
        "restore it, or remove it together with the database whose secrets it sealed",
    );
    this.name = "UnusableKeyFile";
  }
}

/** There is no key file, and there are secrets that only its key opens. */
export class MissingKeyFile extends Error {
  constructor(path: string) {
    super(
      `Cannot start without the key file ${path}: expected the key that sealed the database's secrets; ` +
        "restore it, or set ENCRYPTION_KEY to its key",
    );
    this.name = "MissingKeyFile";
  }
}

/** The system does not let the key file be read or written. */
export class UnreachableKeyFile extends Error {
  constructor(path: string, cause: Error) {
    super(
      `Cannot read or write the key file ${path} (${cause.message}): ` +
        "expected a file beside the database, in a folder where Patchbay may read and write",
      { cause },
    );
    this.name = "UnreachableKeyFile";
  }
}

/**
 * The key in the file at `path`; when there is no such file, a fresh key is written to it (mode 0600, its folder is
 * made too). However many processes start at once, all of them come back with the same key.
 * @throws {UnusableKeyFile} when the file holds anything else; it is not touched.
 * @throws {UnreachableKeyFile} when the system does not let it be read or written.
 */
export async function loadOrCreateKeyFile(path: string): Promise<Uint8Array> {
  const existing = await readKeyFile(path);
  if (existing !== null) return existing;
  await Deno.mkdir(dirname(path), { recursive: true });
  await publishKeyFile(path, createEncryptionKey());
  const written = await readKeyFile(path);
  if (written === null) throw new UnusableKeyFile(path);
  return written;
}

/**
 * The key in the file at `path`; null where there is no such file.
 * @throws {UnusableKeyFile} when the file holds anything else.
 * @throws {UnreachableKeyFile} when the system does not let it be read or written.
 */
export async function readKeyFile(path: string): Promise<Uint8Array | null> {
  const text = await readTextIfThere(path);
  if (text === null) return null;
  const key = parseEncryptionKey(text.trim());
  if (key === null) throw new UnusableKeyFile(path);
  return key;
}

async function readTextIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw unreachable(path, error);
  }
}

function unreachable(path: string, error: unknown): unknown {
  return error instanceof Error ? new UnreachableKeyFile(path, error) : error;
}

/**
 * Writes the key beside its place and then links it there. Opening the place itself with O_EXCL would let only one
 * process win too, but the others could read the file before the winner has written to it.
 */
async function publishKeyFile(path: string, key: Uint8Array): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  const contents = `${key.toBase64()}\n`;
  try {
    await writeDurably(draft, new TextEncoder().encode(contents));
    // link(2) fails when the place is taken: then another process was first, and its key counts.
    await Deno.link(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw unreachable(path, error);
  } finally {
    await removeIfThere(draft);
  }
}

/** Writes a new file, readable by its owner only, and waits until it is on the disk. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
  await file.sync();
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
