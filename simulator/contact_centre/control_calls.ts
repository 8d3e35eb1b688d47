import * as v from "valibot";
import type { Inbox } from "../kit/inbox.ts";
import { type Call, type CallFilter, selectCalls } from "./call_log.ts";

const LONGEST_WAIT_MS = 600_000;
const MOST_CALLS = 1_000_000;

const text = v.pipe(v.string(), v.nonEmpty());
const integer = (least: number, most: number) =>
  v.pipe(v.string(), v.digits(), v.transform(Number), v.minValue(least), v.maxValue(most));

/** The query with which calls are asked for over HTTP. */
export const callQuery = v.object({
  agentId: v.exactOptional(text),
  operation: v.exactOptional(text),
  path: v.exactOptional(text),
  status: v.exactOptional(integer(100, 599)),
  atLeast: v.optional(integer(0, MOST_CALLS), "0"),
  withinMs: v.optional(integer(0, LONGEST_WAIT_MS), "0"),
});

/** The calls that a query is about, once there are `atLeast` so many, at the latest after `withinMs`; no secret is in them. */
export async function awaitCalls(
  calls: Inbox<Call>,
  { atLeast, withinMs, ...wanted }: v.InferOutput<typeof callQuery>,
): Promise<readonly Omit<Call, "headers" | "body" | "bytes">[]> {
  await someCalls(calls, wanted, atLeast, withinMs);
  return selectCalls(calls, wanted).map(({ agentId, method, path, operations, status }) => ({
    agentId,
    method,
    path,
    operations,
    status,
  }));
}

async function someCalls(
  calls: Inbox<Call>,
  wanted: CallFilter,
  atLeast: number,
  timeoutMs: number,
): Promise<void> {
  const enough = () => selectCalls(calls, wanted).length >= atLeast || undefined;
  // What has come by then is the answer.
  await calls.until(`${atLeast} calls`, enough, { timeoutMs }).catch(() => {});
}
