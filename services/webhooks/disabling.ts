import type { OwnEvent } from "../events/own_event.ts";
import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import type { Publisher } from "../events/publisher.ts";
import type { DeliveryStore, SinkHealth } from "../store/port/deliveries.ts";
import type { Background } from "./background.ts";
import type { Recovery } from "./recovery_job.ts";
import type { WebhookRegistry } from "./registry.ts";

const FAILURES_MIN = 20;
const WITHOUT_SUCCESS_MS = 72 * 60 * 60 * 1_000;
// So many are one step of a Redis script, which takes a few milliseconds.
const HOLD_LIMIT = 500;

export interface DisablingDependencies {
  readonly registry: WebhookRegistry;
  readonly outbox: Pick<DeliveryStore, "holdDeliveries">;
  readonly publisher: Pick<Publisher, "publishOwn">;
  readonly background: Background;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Stops sending to webhooks, when they ask for it and when they only fail. */
export interface Disabling {
  /**
   * Sends the webhook nothing more until somebody enables it, and holds what waits. Resolves to false where it was
   * disabled or gone already.
   */
  disable(id: string, reason: string): Promise<boolean>;
  /**
   * Is told how the sinks that have just failed stand. Disables those that {@link shouldDisable} names, and publishes
   * `webhook.disabled` for each. Never rejects: a sink that goes on failing is told of again.
   */
  noteFailing(healths: readonly SinkHealth[]): Promise<void>;
}

/** Whether a sink has failed at least 20 times and had no success for 72 hours. */
export function shouldDisable(
  { failures, sinceMs }: Pick<SinkHealth, "failures" | "sinceMs">,
  nowMs: number,
): boolean {
  return failures >= FAILURES_MIN && nowMs - sinceMs >= WITHOUT_SUCCESS_MS;
}

/**
 * The event that tells of a disabling. There is at most one for each time that a webhook was enabled, so it cannot cause
 * itself.
 */
export function disabledEvent(webhookId: string, reason: string): OwnEvent {
  return { type: "webhook.disabled", sessionId: null, data: { webhookId, reason } };
}

export function createDisabling(
  { registry, outbox, publisher, background, clock, log }: DisablingDependencies,
): Disabling {
  async function disable(id: string, reason: string): Promise<boolean> {
    const nowMs = clock.now();
    let changed = false;
    await registry.change(id, (present) => {
      if (present.disabled !== null) return present;
      changed = true;
      return {
        ...present,
        disabled: { reason, atMs: nowMs },
        recovery: stopped(present.recovery, nowMs),
        updatedAtMs: nowMs,
      };
    });
    if (!changed) return false;
    log.warn("webhook.disabled", { webhookId: id, reason });
    // If the process dies before this is done, the sink holds what was left, one by one, as it becomes due.
    void background.start(id, "hold", () => holdSome(id));
    return true;
  }

  async function holdSome(id: string): Promise<boolean> {
    const webhook = await registry.get(id);
    // Somebody has enabled it again, or deleted it.
    if (webhook === null || webhook.disabled === null) return false;
    const request = { sinkId: id, limit: HOLD_LIMIT, nowMs: clock.now() };
    return await outbox.holdDeliveries(request) > 0;
  }

  async function disableFailing({ sinkId, failures, sinceMs }: SinkHealth): Promise<void> {
    const webhook = await registry.get(sinkId);
    if (webhook === null || webhook.disabled !== null) return;
    // Enabling gives the consumer its 72 hours anew, but the store goes on counting.
    const countedFromMs = Math.max(sinceMs, webhook.enabledAtMs ?? 0);
    if (!shouldDisable({ failures, sinceMs: countedFromMs }, clock.now())) return;
    const since = new Date(sinceMs).toISOString();
    const reason = `${failures} attempts failed and none succeeded since ${since}`;
    if (await disable(sinkId, reason)) await publisher.publishOwn(disabledEvent(sinkId, reason));
  }

  return {
    disable,
    async noteFailing(healths) {
      const nowMs = clock.now();
      for (const health of healths) {
        if (!shouldDisable(health, nowMs)) continue;
        try {
          await disableFailing(health);
        } catch (error) {
          log.warn("webhook.disable_failed", { webhookId: health.sinkId, error: String(error) });
        }
      }
    },
  };
}

function stopped(recovery: Recovery | null, nowMs: number): Recovery | null {
  if (recovery?.state !== "running") return recovery;
  return { ...recovery, state: "stopped", updatedAtMs: nowMs };
}
