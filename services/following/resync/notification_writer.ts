import { StoreUnavailable } from "../../errors.ts";
import type { Logger } from "../../support/log.ts";
import { readNotifications } from "../../contact_centre/dialect/notifications.ts";
import type { ParsedNotification } from "../../events/notification.ts";
import { endingOf } from "../../contact_centre/dialect/states.ts";
import type { Publisher } from "../../events/publisher.ts";
import type { SubscriberCounters } from "../connection/counters.ts";
import type { Depart } from "./end_mapping.ts";
import type { IntakeEntry } from "../connection/notification_queue.ts";
import type { KnownSessions } from "./known_sessions.ts";

export interface NotificationWriterOptions {
  readonly publisher: Pick<Publisher, "publishNotifications">;
  readonly depart: Depart;
  readonly known: KnownSessions;
  /** Whose connection this is; null: all agents share it, and what is told concerns nobody in particular. */
  readonly agentId: string | null;
  /** False: another instance may be following by now, so that nothing of ours is to be written any more. */
  readonly mayWrite: () => boolean;
  readonly counters: SubscriberCounters;
  readonly log: Logger;
}

/**
 * Writes one notification and what follows from it. It goes by the notification itself: the channel says nothing that is
 * documented, and `/v2/me/*` brings devices and calls too. A session that nobody is mapped to is published all the same
 * (`agentId` null): an agent hears of a session first when invited to it.
 *
 * Throws `StoreUnavailable` alone; to be repeated with the same entry.
 */
export function createNotificationWriter(
  options: NotificationWriterOptions,
): (entry: IntakeEntry) => Promise<void> {
  const { publisher, depart, known, agentId, mayWrite, counters, log } = options;

  async function write(entry: IntakeEntry): Promise<void> {
    const read = readNotifications(JSON.parse(entry.dataText), entry.dataText);
    if (!read.ok) {
      counters.ignored++;
      log.debug("subscriber.ignored", { agentId, reason: read.message });
      return;
    }
    const notifications = read.notifications.filter((one) => !entry.isLive || !isEcho(one));
    if (!entry.isPublished) {
      await publisher.publishNotifications(notifications.map(asHeard));
      entry.isPublished = true;
      counters.notifications += notifications.length;
    }
    for (const notification of notifications) await follow(notification, entry);
  }

  function isEcho({ sessionId, eventType, observed }: ParsedNotification): boolean {
    const { state, phone } = observed;
    return eventType === "session.status_changed" && state !== undefined &&
      known.isEcho(sessionId, state, phone);
  }

  function asHeard(notification: ParsedNotification): ParsedNotification {
    if (agentId === null) return notification;
    return { ...notification, observed: { ...notification.observed, heardBy: agentId } };
  }

  /** What the state means for the agent's place in the session. */
  async function follow(
    { sessionId, eventType, observed: { state, phone } }: ParsedNotification,
    { isLive, heardAtMs }: IntakeEntry,
  ): Promise<void> {
    if (state === undefined) return;
    known.note(sessionId, state, isLive ? "told" : "asked", phone);
    const reason = endingOf(state);
    if (eventType !== "session.status_changed" || agentId === null || reason === null) return;
    if (await depart({ sessionId, agentId, reason, asOfMs: heardAtMs })) {
      counters.departures++;
      log.info("subscriber.departed", { sessionId, agentId, reason });
    }
  }

  return async (entry) => {
    if (!mayWrite()) return;
    try {
      await write(entry);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      // Repeating would hold up everything behind it for ever.
      counters.unwritten++;
      log.error("subscriber.unwritten", { agentId, error: String(error) });
    }
  };
}
