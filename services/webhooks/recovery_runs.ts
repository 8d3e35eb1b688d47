import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import type { DeliveryRange, DeliveryStatus, DeliveryStore } from "../store/port/deliveries.ts";
import type { Background } from "./background.ts";
import type { Recovery } from "./recovery_job.ts";
import type { Webhook } from "./webhook.ts";
import type { WebhookRegistry } from "./registry.ts";

const STEP_LIMIT = 200;
// Every change of a record makes each publisher read the list of webhooks again, so progress is written seldom, but
// often enough to show that the job is alive.
const WRITE_EVERY = 5_000;
const WRITE_EVERY_MS = 20_000;

export interface RecoveryRunsDependencies {
  readonly registry: WebhookRegistry;
  readonly outbox: Pick<DeliveryStore, "requeueDeliveries">;
  readonly background: Background;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told that deliveries have become due: wakes the delivery engine. */
  readonly onDue: () => void;
}

/** Which deliveries are to be brought back. */
export interface RecoveryRange extends Pick<Recovery, "sinceMs" | "untilMs"> {
  readonly statuses: readonly DeliveryStatus[];
}

/** The recoveries that this instance runs, each in the background and step by step. */
export interface RecoveryRuns {
  /** Runs a job that the webhook's record gives to this run. It ends early once the record says otherwise. */
  start(webhookId: string, job: Recovery): void;
  /** Whether the run with this token is this instance's. */
  has(runner: string): boolean;
  /** Brings back a range of an enabled webhook without writing anything down. */
  gather(webhookId: string, range: RecoveryRange): void;
}

export function createRecoveryRuns(dependencies: RecoveryRunsDependencies): RecoveryRuns {
  const { registry, outbox, background, clock, log, onDue } = dependencies;
  const tokens = new Set<string>();

  async function requeueSome(id: string, range: RecoveryRange, cursor: string | null) {
    const step = await outbox.requeueDeliveries({
      ...rangeOf(id, range),
      limit: STEP_LIMIT,
      nowMs: clock.now(),
      ...(cursor === null ? {} : { cursor }),
    });
    if (step.requeued > 0) onDue();
    return step;
  }

  function start(id: string, job: Recovery): void {
    let written = job;
    let progress = job;
    tokens.add(job.runner);

    /** Resolves to false where the job is no longer this run's. */
    async function write(change: Partial<Recovery>): Promise<boolean> {
      const next = { ...progress, ...change, updatedAtMs: clock.now() };
      const webhook = await registry.change(
        id,
        (present) => isOf(present, job.runner) ? { ...present, recovery: next } : present,
      );
      written = next;
      return webhook?.recovery === next;
    }

    async function step(): Promise<boolean> {
      if (!isOf(await registry.get(id), job.runner)) return false;
      const { requeued, nextCursor } = await requeueSome(id, job, progress.cursor);
      progress = { ...progress, requeued: progress.requeued + requeued, cursor: nextCursor };
      if (nextCursor === null) {
        // There may be more than were counted: some came between the counting and the end.
        const total = Math.max(progress.total, progress.requeued);
        const ended = await write({ state: "done", total });
        if (ended) log.info("webhook.recovered", { webhookId: id, requeued: progress.requeued });
        return false;
      }
      return isWorthWriting(progress, written, clock.now()) ? await write({}) : true;
    }

    void background.start(id, "recovery", step).then(() => tokens.delete(job.runner));
  }

  function gather(id: string, range: RecoveryRange): void {
    let cursor: string | null = null;
    void background.start(id, "gathering", async () => {
      const webhook = await registry.get(id);
      if (webhook === null || webhook.disabled !== null) return false;
      ({ nextCursor: cursor } = await requeueSome(id, range, cursor));
      return cursor !== null;
    });
  }

  return { start, has: (runner) => tokens.has(runner), gather };
}

/** The range in the store's terms. */
export function rangeOf(
  sinkId: string,
  { statuses, sinceMs, untilMs }: RecoveryRange,
): DeliveryRange {
  return { sinkId, statuses, fromMs: sinceMs, untilMs };
}

/** Whether the webhook has a job that is not over. */
export function isRecovering({ recovery }: Webhook): boolean {
  return recovery?.state === "running";
}

function isOf(webhook: Webhook | null, runner: string): boolean {
  return webhook !== null && isRecovering(webhook) && webhook.recovery?.runner === runner;
}

function isWorthWriting(progress: Recovery, written: Recovery, nowMs: number): boolean {
  return progress.requeued - written.requeued >= WRITE_EVERY ||
    nowMs - written.updatedAtMs >= WRITE_EVERY_MS;
}
