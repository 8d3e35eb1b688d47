import * as v from "valibot";
import { InvalidBody, InvalidParameter } from "../errors.ts";
import { isJsonObject } from "../support/json_object.ts";
import { shownId, withoutNumbers } from "../support/log.ts";
import { parseRfc3339 } from "../support/time.ts";

/** Which deliveries somebody wants back, by the time of their events. */
export interface RecoveryRequest {
  readonly sinceMs: number;
  /** Exclusive. */
  readonly untilMs: number;
  /** Whether they are only to be counted. */
  readonly dryRun: boolean;
}

const TIME = "a time as in RFC 3339, such as 2026-11-22T10:00:00Z";
const FLAG = "true or false";
const MAX_SHOWN_LENGTH = 80;

const time = v.pipe(
  v.string(TIME),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const timeMs = parseRfc3339(dataset.value);
    if (timeMs !== null) return timeMs;
    addIssue({ message: TIME });
    return NEVER;
  }),
);

const requestSchema = v.strictObject({
  since: time,
  until: v.exactOptional(time),
  dryRun: v.exactOptional(v.boolean(FLAG), false),
});

/**
 * Reads a request to recover. An `until` ahead of now is now.
 *
 * @throws {InvalidBody} if it is no JSON object.
 * @throws {InvalidParameter} if a member is missing, unknown or cannot be used, or if `since` is not before
 *   `until` and now, or lies before the retention.
 */
export function parseRecoveryRequest(
  untrustedJson: unknown,
  { nowMs, retentionMs }: { readonly nowMs: number; readonly retentionMs: number },
): RecoveryRequest {
  if (!isJsonObject(untrustedJson)) {
    throw new InvalidBody("Cannot use the body: expected a JSON object with since");
  }
  const read = v.safeParse(requestSchema, untrustedJson, { abortEarly: true });
  if (!read.success) throw new InvalidParameter(describe(read.issues[0]));
  const { since: sinceMs, until, dryRun } = read.output;
  const untilMs = Math.min(until ?? nowMs, nowMs);
  const shown = `since=${JSON.stringify(untrustedJson["since"])}`;
  if (sinceMs >= untilMs) {
    throw new InvalidParameter(`Cannot use ${shown}: expected a time before until and before now`);
  }
  if (sinceMs < nowMs - retentionMs) {
    throw new InvalidParameter(
      `Cannot use ${shown}: expected a time within the last ${retentionMs / 1_000} s, ` +
        "as nothing is kept for longer",
    );
  }
  return { sinceMs, untilMs, dryRun };
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = shownId(v.getDotPath(issue) ?? "the body");
  if (issue.type === "strict_object") {
    return issue.expected === "never"
      ? `Cannot use ${path}: expected only ${Object.keys(requestSchema.entries).join(", ")}`
      : `Cannot do without ${path}: expected ${TIME}`;
  }
  return `Cannot use ${path}${shown(issue.input)}: expected ${issue.message}`;
}

/** A value that is no time, as it came; of a telephone number the last digits. */
function shown(untrustedValue: unknown): string {
  const text = JSON.stringify(untrustedValue);
  if (text === undefined || text.length > MAX_SHOWN_LENGTH) return "";
  const isLikeTime = typeof untrustedValue === "number" || /^"\d{4}-\d{2}/.test(text);
  return `=${isLikeTime ? text : withoutNumbers(text)}`;
}
