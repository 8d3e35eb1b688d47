import * as v from "valibot";
import { InvalidParameter } from "../services/errors.ts";

const EXPECTED = "1 to 256 characters without control characters";

const reasonSchema = v.pipe(
  v.string(),
  v.regex(/^\P{Cc}{1,256}$/u),
  v.check((text) => text.isWellFormed()),
);

/** Why somebody does something, in their own words; null where they do not say. Throws `InvalidParameter`. */
export function readReason(untrustedReason: unknown): string | null {
  if (untrustedReason === undefined || untrustedReason === null) return null;
  const read = v.safeParse(reasonSchema, untrustedReason);
  if (read.success) return read.output;
  throw new InvalidParameter(`Cannot use reason: expected ${EXPECTED}`);
}
