import { readJson, type SpelledJson } from "../../services/support/spelled_json.ts";

/** A JSON text as Patchbay reads it. Throws for one that it would refuse. */
export function spelled(text: string): SpelledJson {
  const read = readJson(text);
  if (!read.ok) throw new TypeError(`Cannot read ${text.slice(0, 80)}: expected ${read.expected}`);
  return read.value;
}

/** A value as Patchbay reads it once it has been written as JSON. */
export function spelledValue(value: unknown): SpelledJson {
  return spelled(JSON.stringify(value));
}
