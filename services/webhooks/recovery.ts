import { InvalidParameter } from "../errors.ts";
import type { Ids } from "../support/ids.ts";
import type { DeliveryStatus, DeliveryStore } from "../store/port/deliveries.ts";
import type { Recovery } from "./recovery_job.ts";
import type { Webhook } from "./webhook.ts";
import { found } from "./registry.ts";
import { parseRecoveryRequest } from "./recovery_request.ts";
import {
  createRecoveryRuns,
  isRecovering,
  rangeOf,
  type RecoveryRange,
  type RecoveryRunsDependencies,
} from "./recovery_runs.ts";

const RECOVERED_STATUSES: readonly DeliveryStatus[] = ["dead", "held"];
/** A job of which nothing was written for so long has lost its run. */
const STALE_MS = 60_000;
// An instance hears of an enabling 2 s late at most. Until then it may take a delivery, and it holds that delivery within
// its lease, which is 30 s as a rule and 135 s at most.
const LATE_HOLDING_MS = 180_000;
// Events are held until the enabling is written down, and their times are those of other instances' clocks.
const CLOCK_MARGIN_MS = 5_000;

export interface RecoveringDependencies extends RecoveryRunsDependencies {
  readonly outbox: Pick<DeliveryStore, "requeueDeliveries" | "countDeliveries">;
  readonly ids: Pick<Ids, "token">;
  /** How long deliveries are kept. */
  readonly retentionMs: number;
}

/** What asking for a recovery came to. */
export type RecoverOutcome =
  /** It was a dry run: so many deliveries would be brought back. */
  | {
    readonly kind: "counted";
    readonly sinceMs: number;
    readonly untilMs: number;
    readonly count: number;
  }
  /** The job that runs now, which may be an earlier one. */
  | { readonly kind: "running"; readonly recovery: Recovery };

/** Brings back the deliveries of webhooks, in jobs that any instance can carry on. */
export interface Recovering {
  /** Makes what is dead or held due again. A webhook runs one such job at a time, and none while disabled. */
  recover(id: string, untrustedJson: unknown): Promise<RecoverOutcome>;
  /** Lets a webhook be sent to again, beginning with all that is held for it. */
  enable(id: string): Promise<Webhook>;
  /** To be called at start: carries on the jobs that an earlier process left. Never rejects. */
  resume(): Promise<void>;
  /** To be called once a minute: carries on the jobs whose instance has died. Never rejects. */
  resumeStale(): Promise<void>;
}

export function createRecovering(dependencies: RecoveringDependencies): Recovering {
  const { registry, outbox, ids, clock, log, retentionMs } = dependencies;
  const runs = createRecoveryRuns(dependencies);

  async function recover(id: string, untrustedJson: unknown): Promise<RecoverOutcome> {
    await registry.read(id);
    const request = parseRecoveryRequest(untrustedJson, { nowMs: clock.now(), retentionMs });
    const { sinceMs, untilMs, dryRun } = request;
    const job = await plan(id, { statuses: RECOVERED_STATUSES, sinceMs, untilMs });
    if (dryRun) return { kind: "counted", sinceMs, untilMs, count: job.total };
    const { recovery } = await begin(id, job, (present) => {
      if (present.disabled !== null) throw disabledWebhook();
      return isRecovering(present) ? present : { ...present, recovery: job };
    });
    return { kind: "running", recovery: recovery ?? job };
  }

  async function enable(id: string): Promise<Webhook> {
    const nowMs = clock.now();
    const job = await plan(id, allHeld(nowMs));
    return await begin(id, job, (present) => {
      // If an enabled webhook has deliveries held, an earlier enabling did not come to its end.
      const isDone = present.disabled === null && (isRecovering(present) || job.total === 0);
      if (isDone) return present;
      return { ...present, disabled: null, enabledAtMs: nowMs, updatedAtMs: nowMs, recovery: job };
    });
  }

  function allHeld(nowMs: number): RecoveryRange {
    return {
      statuses: ["held"],
      sinceMs: nowMs - retentionMs,
      untilMs: nowMs + CLOCK_MARGIN_MS,
    };
  }

  async function plan(id: string, range: RecoveryRange): Promise<Recovery> {
    const nowMs = clock.now();
    return {
      ...range,
      statuses: [...range.statuses],
      total: await outbox.countDeliveries(rangeOf(id, range)),
      requeued: 0,
      state: "running",
      cursor: null,
      runner: ids.token(),
      startedAtMs: nowMs,
      updatedAtMs: nowMs,
    };
  }

  /** Has `alter` write the job down, and runs the job if `alter` took it. */
  async function begin(
    id: string,
    job: Recovery,
    alter: (present: Webhook) => Webhook,
  ): Promise<Webhook> {
    const webhook = found(await registry.change(id, alter));
    if (webhook.recovery === job) runs.start(id, job);
    return webhook;
  }

  /** Makes another run's job one of this instance's. */
  async function takeOver(id: string, isFree: (recovery: Recovery) => boolean): Promise<void> {
    const runner = ids.token();
    const webhook = await registry.change(id, (present) => {
      const { recovery } = present;
      if (recovery?.state !== "running" || !isFree(recovery)) return present;
      return { ...present, recovery: { ...recovery, runner, updatedAtMs: clock.now() } };
    });
    if (webhook?.recovery?.runner !== runner) return;
    const job = webhook.recovery;
    // What the earlier run did after it last wrote shows only in what it left over.
    const left = await outbox.countDeliveries(rangeOf(id, job));
    log.info("webhook.recovery_resumed", { webhookId: id, left });
    runs.start(id, { ...job, requeued: Math.max(job.requeued, job.total - left) });
  }

  async function forEach(visit: (webhook: Webhook) => Promise<void>): Promise<void> {
    try {
      for (const webhook of await registry.all()) await visit(webhook);
    } catch (error) {
      log.warn("webhook.resume_failed", { error: String(error) });
    }
  }

  return {
    recover,
    enable,
    resume: () =>
      forEach(async (webhook) => {
        if (isRecovering(webhook)) await takeOver(webhook.id, ({ runner }) => !runs.has(runner));
      }),
    resumeStale: () =>
      forEach(async (webhook) => {
        const nowMs = clock.now();
        const isFree = ({ runner, updatedAtMs }: Recovery) =>
          !runs.has(runner) && nowMs - updatedAtMs >= STALE_MS;
        if (webhook.recovery?.state === "running") {
          if (isFree(webhook.recovery)) await takeOver(webhook.id, isFree);
        } else if (wasJustEnabled(webhook, nowMs)) runs.gather(webhook.id, allHeld(nowMs));
      }),
  };
}

function wasJustEnabled({ disabled, enabledAtMs }: Webhook, nowMs: number): boolean {
  return disabled === null && enabledAtMs !== null && nowMs - enabledAtMs < LATE_HOLDING_MS;
}

function disabledWebhook(): InvalidParameter {
  return new InvalidParameter(
    "Cannot recover deliveries of a disabled webhook: expected it to be enabled first, " +
      "which brings back what is held",
  );
}
