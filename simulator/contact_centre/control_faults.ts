import * as v from "valibot";
import type { Fault, FaultOptions } from "../kit/faults.ts";
import {
  all,
  byAgent,
  INTERNAL_ERROR,
  type Matching,
  NOT_JSON,
  onChannel,
  toOperate,
} from "./fault_presets.ts";

const text = v.pipe(v.string(), v.nonEmpty());
const status = v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599));
const PLAIN = ["hang", "reset", "hold", "cut", "stall", "gzip", "html"] as const;
const PRESETS = { "internal-error": INTERNAL_ERROR, "not-json": NOT_JSON } as const;
const LONGEST_DELAY_MS = 600_000;

const fault = v.union(
  [
    v.picklist(PLAIN),
    v.pipe(
      v.picklist(["internal-error", "not-json"]),
      v.transform((name): Fault => PRESETS[name]),
    ),
    v.object({
      kind: v.literal("delay"),
      ms: v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_DELAY_MS)),
    }),
    v.object({
      kind: v.literal("status"),
      status,
      body: v.exactOptional(
        v.union([v.string(), v.record(v.string(), v.unknown()), v.array(v.unknown())]),
      ),
      contentType: v.exactOptional(text),
      headers: v.exactOptional(v.record(v.string(), v.string())),
    }),
    v.object({ kind: v.literal("html"), status: v.exactOptional(status) }),
    v.object({ kind: v.literal("redirect"), location: text, status: v.exactOptional(status) }),
  ],
  `expected ${
    [...PLAIN, ...Object.keys(PRESETS)].join(", ")
  }, or an object of the kind delay, status, html or redirect`,
);

const matching = v.object({
  method: v.exactOptional(text),
  path: v.exactOptional(text),
  operationName: v.exactOptional(text),
  sessionId: v.exactOptional(text),
  channel: v.exactOptional(text),
  agentId: v.exactOptional(text),
});

/** The body with which faults are planned over HTTP. */
export const faultPlan = v.object({
  fault,
  when: v.exactOptional(v.picklist(["before-acting", "after-acting"])),
  matching: v.optional(matching, {}),
  times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 1),
});

/** The requests that a plan is for: those which have all that it names. */
export function readFaultOptions(
  { matching: wanted, when, times }: v.InferOutput<typeof faultPlan>,
): FaultOptions {
  const { method, path, operationName, sessionId, channel, agentId } = wanted;
  const matchings: Matching[] = [];
  if (method !== undefined) matchings.push((request) => request.method === method.toUpperCase());
  if (path !== undefined) matchings.push((request) => request.path.includes(path));
  if (operationName !== undefined || sessionId !== undefined) {
    matchings.push(toOperate(operationName, sessionId));
  }
  if (channel !== undefined) matchings.push(onChannel(channel));
  if (agentId !== undefined) matchings.push(byAgent(agentId));
  return { matching: all(...matchings), times, ...(when === undefined ? {} : { when }) };
}
