import type { IdentifiedEvent } from "../events/own_event.ts";
import type { Clock } from "../support/clock.ts";
import { StoreUnavailable } from "../errors.ts";
import type { Ids } from "../support/ids.ts";
import { type Logger, maskPhone } from "../support/log.ts";
import { type DeliveryHistory, type DeliveryStore, SMS_SINK } from "../store/port/deliveries.ts";
import type { RecordGuard, RecordStore } from "../store/port/records.ts";
import type { Publisher } from "../events/publisher.ts";
import type { AgentNotices } from "./agent_notice.ts";
import {
  messageStatus,
  NOTHING_KNOWN,
  type Report,
  type StatusChange,
  takeReport,
  type TextStatus,
} from "./twilio/message_status.ts";
import type { OptOuts } from "./opt_outs.ts";
import { readProgress, sidsOfAll } from "./progress.ts";
import { createDoubtEnding } from "./resolution.ts";
import type { SendingSwitch } from "./sending_switch.ts";
import { type CallbackSubject, readCallbackSubject } from "./twilio/status_callback_url.ts";
import type { StatusReport } from "./twilio/form.ts";
import { readTextStatus, statusRecordName } from "./status_record.ts";

export interface StatusCallbacks {
  /**
   * Takes one report of Twilio's into account, with the query of the URL that it came to. Resolves once the store has what
   * follows from it; reports that say nothing new, or nothing of ours, are only logged. Throws `StoreUnavailable`.
   */
  report(untrustedQuery: URLSearchParams, report: StatusReport): Promise<void>;
}

export interface StatusCallbacksDependencies {
  readonly store:
    & Pick<RecordStore, "readRecord" | "writeRecord">
    & Pick<DeliveryStore, "readDelivery" | "resolveDelivery">;
  readonly publisher: Pick<Publisher, "publishIdentified" | "draft" | "refresh" | "published">;
  readonly optOuts: Pick<OptOuts, "change">;
  readonly notices: Pick<AgentNotices, "tellFailure">;
  readonly ids: Pick<Ids, "event">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long deliveries are kept (`EVENT_RETENTION_S`): what is known of a text is kept as long. */
  readonly eventRetentionMs: number;
  readonly sendingSwitch: Pick<SendingSwitch, "close">;
}

/** https://www.twilio.com/docs/api/errors/21610: the customer has opted out. */
const OPTED_OUT = 21610;
/** The same source: 20003 credentials refused, 30002 account suspended. Every further text would fail alike. */
const ACCOUNT_FAULTS: ReadonlySet<number> = new Set([20003, 30002]);

/** Each lost race is somebody else's success, so this many in a row mean a fault. */
const MAX_TRIES = 20;

/** A delivery that a report is about. */
interface Subject extends CallbackSubject {
  readonly history: DeliveryHistory;
  readonly messageIndex: number | null;
  /** The sending side has given the text up, and told so: no second `sms.failed`. */
  readonly isDead: boolean;
}

/** What is told of a report, if it proves to be worth it. */
interface Told {
  readonly eventId: string;
  readonly occurredAtMs: number;
  readonly optOut: IdentifiedEvent | null;
}

/**
 * Reports on texts of ours. What is known of a text and the event that follows from it are written in one step, on condition
 * that nothing else was written since it was read: so neither a crash nor two reports at once lose an event or double it.
 */
export function createStatusCallbacks(
  {
    store,
    publisher,
    optOuts,
    notices,
    sendingSwitch,
    ids,
    clock,
    log,
    eventRetentionMs,
  }: StatusCallbacksDependencies,
): StatusCallbacks {
  const doubtEnding = createDoubtEnding({ store, publisher, clock, log });

  async function subjectOf(untrustedQuery: URLSearchParams): Promise<Subject | null> {
    const subject = readCallbackSubject(untrustedQuery);
    if (subject === null) return null;
    const history = await store.readDelivery(subject.deliveryId);
    if (history === null || !isOf(subject, history)) return null;
    const { messageIndex, status } = history.delivery;
    return { ...subject, history, messageIndex, isDead: status === "dead" };
  }

  /**
   * A report proves that Twilio has taken its part. Once each part is known to be taken the text was sent, whatever could not
   * be learnt before; what follows from the report itself comes after `sms.sent`.
   */
  async function endDoubt(subject: Subject, { messageSid, part, status }: Report): Promise<void> {
    const { delivery, progressJson } = subject.history;
    if (delivery.status !== "unknown") return;
    const earlier = subject.parts === 1
      ? NOTHING_KNOWN
      : knownOf(await store.readRecord(statusRecordName(subject), clock.now()), subject);
    const sids = sidsOfAll(
      readProgress(progressJson),
      subject.parts,
      (number) =>
        number === part
          ? messageSid
          : Object.entries(earlier.messages).find(([, message]) => message.part === number)?.[0],
    );
    if (sids === null) return;
    await doubtEnding(delivery, {
      resolution: "sent",
      detail: `Twilio reported it as ${status}`,
      sids,
    });
  }

  /** Repeats what `take` makes of the present state until nothing else was written in between; null: nothing new. */
  async function advance(
    subject: Subject,
    report: Report,
    told: Told,
  ): Promise<StatusChange | null> {
    const name = statusRecordName(subject);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const nowMs = clock.now();
      const text = await store.readRecord(name, nowMs);
      const change = takeReport(knownOf(text, subject), report);
      if (change === null) return null;
      const write = {
        expected: text,
        text: JSON.stringify(change.next),
        untilMs: nowMs + eventRetentionMs,
      };
      const written = change.event === null
        ? (await store.writeRecord({ ...name, ...write, nowMs })).written
        : await publish(subject, change.event, { ...name, ...write }, told);
      if (written) return change;
    }
    throw new StoreUnavailable("write down the status of a text that keeps changing");
  }

  /** False: the guard did not hold, and the event was not published. */
  async function publish(
    subject: Subject,
    event: NonNullable<StatusChange["event"]>,
    { kind, key, expected, text, untilMs }: RecordGuard,
    { eventId, occurredAtMs, optOut }: Told,
  ): Promise<boolean> {
    const [own] = await publisher.publishIdentified([
      {
        id: eventId,
        type: `sms.${event.kind}`,
        sessionId: subject.sessionId,
        occurredAtMs,
        data: {
          messageIndex: subject.messageIndex,
          messageSid: event.messageSid,
          errorCode: event.kind === "failed" ? event.errorCode : null,
        },
        guard: { kind, key, expected, text, untilMs },
      },
      ...(optOut === null ? [] : [optOut]),
    ]);
    return own?.accepted === true;
  }

  /** The ledger is written before anybody is told. Null: no opt-out, or nothing new about it. */
  async function noteOptOut(
    { sessionId }: Subject,
    { messageSid, errorCode, to, from }: StatusReport,
    occurredAtMs: number,
  ): Promise<IdentifiedEvent | null> {
    if (errorCode !== OPTED_OUT || to === null || from === null) return null;
    return await optOuts.change({
      wanted: "out",
      customer: to,
      sender: { from },
      sessionId,
      reason: "rejection",
      messageSid,
      source: messageSid,
      eventId: ids.event(occurredAtMs),
      occurredAtMs,
    });
  }

  function follow(subject: Subject, report: StatusReport, change: StatusChange): void {
    const { deliveryId, sessionId, messageIndex, part } = subject;
    const { messageSid, errorCode, to } = report;
    const fields = { deliveryId, sessionId, messageIndex, part, messageSid, errorCode };
    if (errorCode !== null && ACCOUNT_FAULTS.has(errorCode)) sendingSwitch.close(errorCode);
    if (change.upgraded) log.warn("sms.delivered_after_failure", fields);
    if (change.event === null) return;
    const shown = { ...fields, to: to === null ? null : maskPhone(to) };
    if (change.event.kind === "delivered") return log.info("sms.delivered", shown);
    log.warn("sms.failed", shown);
    notices.tellFailure({ sessionId, errorCode: change.event.errorCode });
  }

  return {
    async report(untrustedQuery, report) {
      const { messageSid, errorCode } = report;
      const status = messageStatus(report.untrustedStatus);
      if (status === null) {
        const untrustedStatus = report.untrustedStatus.slice(0, 40);
        return log.warn("sms.status_unknown", { messageSid, status: untrustedStatus });
      }
      const subject = await subjectOf(untrustedQuery);
      if (subject === null) return log.info("sms.status_unmatched", { messageSid, status });
      const { part, parts } = subject;
      const understood = { messageSid, part, parts, status, errorCode };
      await endDoubt(subject, understood);
      const occurredAtMs = clock.now();
      // Made before the opt-out's, as ids are listed in the order of their making.
      const eventId = ids.event(occurredAtMs);
      const optOut = await noteOptOut(subject, report, occurredAtMs);
      const change = await advance(subject, understood, { eventId, occurredAtMs, optOut });
      const isPublished = change !== null && change.event !== null;
      if (optOut !== null && !isPublished) await publisher.publishIdentified([optOut]);
      if (change !== null) follow(subject, report, change);
    },
  };
}

function isOf({ sessionId }: CallbackSubject, { delivery }: DeliveryHistory): boolean {
  return delivery.sinkId === SMS_SINK && delivery.sessionId === sessionId;
}

function knownOf(text: string | null, { isDead }: Subject): TextStatus {
  const known = readTextStatus(text);
  return isDead && !known.told.includes("failed")
    ? { ...known, told: [...known.told, "failed"] }
    : known;
}
