import * as v from "valibot";
import { DELIVERY_STATUSES } from "../store/port/deliveries.ts";
import { rfc3339 } from "../support/time.ts";

/** `stopped`: the webhook was disabled before the job was through. */
const RECOVERY_STATES = ["running", "done", "stopped"] as const;

/** A recovery as it is kept with its webhook. */
export const recoverySchema = v.object({
  /** Which deliveries are brought back: those with one of these statuses, by the time of their events. */
  statuses: v.array(v.picklist(DELIVERY_STATUSES)),
  sinceMs: v.number(),
  /** Exclusive. */
  untilMs: v.number(),
  /** How many there were when the job began. */
  total: v.number(),
  requeued: v.number(),
  state: v.picklist(RECOVERY_STATES),
  /** Where to carry on; null at the beginning and once all is done. */
  cursor: v.nullable(v.string()),
  /** The token of the run that may write this; a run that was given up for dead has another. */
  runner: v.string(),
  startedAtMs: v.number(),
  updatedAtMs: v.number(),
});

/** A job that makes a webhook's deliveries due again, as far as it has come. */
export type Recovery = Readonly<v.InferOutput<typeof recoverySchema>>;

/** A recovery as it is shown: how far it has come, and for which time. */
export function recoveryView(recovery: Recovery) {
  return {
    since: rfc3339(recovery.sinceMs),
    until: rfc3339(recovery.untilMs),
    total: recovery.total,
    requeued: recovery.requeued,
    state: recovery.state,
    startedAt: rfc3339(recovery.startedAtMs),
    updatedAt: rfc3339(recovery.updatedAtMs),
  };
}
