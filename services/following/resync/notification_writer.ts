import { membersTold } from "../../contact_centre/dialect/session_members.ts";
import { readJson } from "../../support/spelled_json.ts";
import { readNotifications, type ReadOutcome } from "../../contact_centre/dialect/notifications.ts";
import { StoreUnavailable } from "../../errors.ts";
import type { ParsedNotification } from "../../events/notification.ts";
import type { Publisher } from "../../events/publisher.ts";
import type { Logger } from "../../support/log.ts";
import type { KnownSessions } from "./known_sessions.ts";
import type { MembersEvent } from "./told_members.ts";

/** A notification, and what has been done about it. */
export interface HeardNotification {
  readonly dataText: string;
  readonly heardAtMs: number;
  /** Upstream told it by itself. False: it was made of what upstream answered when it was asked. */
  readonly isLive: boolean;
}

/** What became of notifications. The numbers only grow. */
export interface NotificationCounters {
  /** Notifications that were read and published, duplicates included. */
  notifications: number;
  /** Messages without a session, or not readable as a notification. */
  ignored: number;
  /** Notifications that could not be written for a reason that repeating does not change. */
  unwritten: number;
  /** Mappings that ended because upstream said, or showed, that the agent is out. */
  departures: number;
}

export interface NotificationWriterOptions {
  readonly publisher: Pick<Publisher, "publishNotifications">;
  readonly known: KnownSessions;
  /** Whose connection this is; null: all agents share it, and what is told concerns nobody in particular. */
  readonly agentId: string | null;
  /** False: another instance may be following by now, so this one must not write any more. */
  readonly mayWrite: () => boolean;
  readonly counters: NotificationCounters;
  readonly log: Logger;
}

/**
 * Writes one notification and what follows from it. The notification itself decides what that is: nothing is documented
 * about its channel, and `/v2/me/*` brings devices and calls too. A session that is mapped to nobody is published all the
 * same (`agentId` null), as an agent first hears of a session when invited to it.
 *
 * Throws `StoreUnavailable` and nothing else; the same notification is then to be written again.
 */
export function createNotificationWriter(
  options: NotificationWriterOptions,
): (notification: HeardNotification) => Promise<void> {
  const { publisher, known, agentId, mayWrite, counters, log } = options;

  async function write(heard: HeardNotification): Promise<void> {
    const read = readHeard(heard.dataText);
    if (!read.ok) {
      counters.ignored++;
      log.debug("subscriber.ignored", { agentId, reason: read.message });
      return;
    }
    const notifications = heard.isLive
      ? read.notifications.filter((one) => !isEcho(one))
      : read.notifications.map(withoutState);
    const heardSo = notifications.map((one) => withHearer(one, heard));
    const { departed } = await publisher.publishNotifications(heardSo);
    counters.notifications += notifications.length;
    counters.departures += departed;
    for (const notification of notifications) note(notification, heard, departed > 0);
  }

  function isEcho({ sessionId, eventType, observed, verbatim }: ParsedNotification): boolean {
    const { state, phone } = observed;
    if (tellsMembers(eventType)) {
      return known.members.isEcho(sessionId, eventType, membersTold(verbatim));
    }
    return eventType === "session.status_changed" && state !== undefined &&
      known.isEcho(sessionId, state, phone);
  }

  function withHearer(
    notification: ParsedNotification,
    { heardAtMs }: HeardNotification,
  ): ParsedNotification {
    const heardBy = agentId === null ? {} : { heardBy: agentId };
    return { ...notification, observed: { ...notification.observed, heardAtMs, ...heardBy } };
  }

  /** Keeps in mind what was told. */
  function note(
    { sessionId, eventType, observed: { state, phone, ending }, verbatim }: ParsedNotification,
    { isLive }: HeardNotification,
    hasDeparted: boolean,
  ): void {
    if (tellsMembers(eventType) && !isLive) {
      known.members.noteAsked(sessionId, eventType, membersTold(verbatim));
    } else if (tellsMembers(eventType) || eventType === "session.status_changed") {
      known.members.note(sessionId, membersTold(verbatim));
    }
    if (state === undefined) return;
    known.note(sessionId, state, isLive ? "told" : "asked", phone);
    if (ending === undefined || !hasDeparted) return;
    log.info("subscriber.departed", { sessionId, agentId, reason: ending.reason });
  }

  return async (heard) => {
    if (!mayWrite()) return;
    try {
      await write(heard);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      // Repeating would hold up everything behind it for ever.
      counters.unwritten++;
      log.error("subscriber.unwritten", { agentId, error: String(error) });
    }
  };
}

function tellsMembers(eventType: ParsedNotification["eventType"]): eventType is MembersEvent {
  return eventType === "session.participants_updated" || eventType === "session.properties_updated";
}

/**
 * What was made of an answer tells one thing at a time: a new state is left to the StatusChange that follows, as the mapping
 * must not know of it before.
 */
function withoutState(notification: ParsedNotification): ParsedNotification {
  if (!tellsMembers(notification.eventType)) return notification;
  const { state: _state, ending: _ending, ...observed } = notification.observed;
  return { ...notification, observed };
}

function readHeard(dataText: string): ReadOutcome {
  const json = readJson(dataText);
  return json.ok ? readNotifications(json.value) : {
    ok: false,
    reason: "unusable",
    message: `Cannot read the notification: expected ${json.expected}`,
  };
}
