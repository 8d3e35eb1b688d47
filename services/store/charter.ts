import { isJsonObject } from "../support/json_object.ts";
import type { StoreTerms } from "./port/charter.ts";

/** The layout of what is kept. It is raised when an older Patchbay could not work with what a newer one writes. */
export const STORE_VERSION = 1;

/** This process must not use the store: it was begun with other settings. The message is for the operator. */
export class OtherTerms extends Error {
  constructor(message: string) {
    super(message);
    this.name = "OtherTerms";
  }
}

/**
 * Compares what stands in the store with these terms. Returns the text that is to stand there from now on, or null where
 * it stands there already. A new key that comes with the old one takes its place. Pure.
 *
 * @param held the charter's text; null where there is none yet
 * @throws OtherTerms when they do not fit
 */
export function charterAfter(held: string | null, { shards, keyIds }: StoreTerms): string | null {
  const own = JSON.stringify({ version: STORE_VERSION, shards, keyId: keyIds[0] });
  if (held === null) return own;
  const charter = readCharter(held);
  if (charter.version > STORE_VERSION) {
    throw new OtherTerms(
      `Cannot use a store of version ${charter.version}, which a newer Patchbay wrote: expected at most ${STORE_VERSION}`,
    );
  }
  if (charter.shards !== shards) {
    throw new OtherTerms(
      `Cannot use this store with STORE_SHARDS=${shards}: expected STORE_SHARDS=${charter.shards}, ` +
        "with which it was begun; with another number sessions would be looked for in the wrong place",
    );
  }
  if (!keyIds.includes(charter.keyId)) {
    throw new OtherTerms(
      "Cannot use this store with this ENCRYPTION_KEY: expected the key that sealed its secrets, " +
        "alone or behind a new one, separated by a comma",
    );
  }
  return own === held ? null : own;
}

interface Charter {
  readonly version: number;
  readonly shards: number;
  readonly keyId: string;
}

function readCharter(text: string): Charter {
  const { version, shards, keyId } = parsed(text);
  if (typeof version !== "number" || typeof shards !== "number" || typeof keyId !== "string") {
    throw new OtherTerms(
      "Cannot use this store: expected what it was begun with, and that cannot be read",
    );
  }
  return { version, shards, keyId };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return isJsonObject(json) ? json : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
