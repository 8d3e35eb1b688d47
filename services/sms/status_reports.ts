import type { IdentifiedEvent } from "../events/own_event.ts";
import type { Clock } from "../support/clock.ts";
import { StoreUnavailable } from "../errors.ts";
import type { Ids } from "../support/ids.ts";
import { type Logger, maskPhone, shownId } from "../support/log.ts";
import { type DeliveryHistory, type DeliveryStore, SMS_SINK } from "../store/port/deliveries.ts";
import type { RecordGuard, RecordStore } from "../store/port/records.ts";
import type { Publisher } from "../events/publisher.ts";
import type { AgentNotices } from "./agent_notice.ts";
import type { OptOuts } from "./opt_outs.ts";
import { readProgress, sidsOfAll } from "./progress.ts";
import type { PartOfText, SmsProvider, StatusReport } from "./provider.ts";
import { createDoubtEnding } from "./resolution.ts";
import type { SendingSwitch } from "./sending_switch.ts";
import {
  NOTHING_KNOWN,
  outcomeOfText,
  readTextStatus,
  type Report,
  type StatusChange,
  takeReport,
  type TextStatus,
  textStatusName,
  writeTextStatus,
} from "./text_status.ts";

export interface StatusReports {
  /**
   * Takes one report into account. Resolves once the store has what follows from it; reports that say nothing new, or nothing of
   * ours, are only logged. Throws `StoreUnavailable`.
   */
  take(report: StatusReport): Promise<void>;
}

export interface StatusReportsDependencies {
  readonly provider: Pick<SmsProvider, "name" | "defaultSender" | "explain">;
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

/** Each lost race is somebody else's success, so this many in a row mean a fault. */
const MAX_TRIES = 20;

/** A delivery that a report is about. */
interface Subject extends PartOfText {
  readonly history: DeliveryHistory;
  readonly messageIndex: number | null;
  /** The sending side has given the text up and published `sms.failed`: no second one follows. */
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
export function createStatusReports(
  {
    provider,
    store,
    publisher,
    optOuts,
    notices,
    sendingSwitch,
    ids,
    clock,
    log,
    eventRetentionMs,
  }: StatusReportsDependencies,
): StatusReports {
  const doubtEnding = createDoubtEnding({ store, publisher, clock, log });

  async function subjectOf({ subject }: StatusReport): Promise<Subject | null> {
    if (subject === null) return null;
    const history = await store.readDelivery(subject.deliveryId);
    if (history === null || !isOf(subject, history)) return null;
    const { messageIndex, status } = history.delivery;
    return { ...subject, history, messageIndex, isDead: status === "dead" };
  }

  /**
   * A report proves that the provider has taken its part. Once each part is known to be taken the text was sent, whatever could
   * not be learnt before; what follows from the report itself comes after `sms.sent`.
   */
  async function endDoubt(
    subject: Subject,
    { messageSid, untrustedStatus }: StatusReport,
  ): Promise<void> {
    const { delivery, progressJson } = subject.history;
    if (delivery.status !== "unknown") return;
    const earlier = subject.parts === 1
      ? NOTHING_KNOWN
      : knownOf(await store.readRecord(textStatusName(subject), clock.now()), subject);
    const sids = sidsOfAll(
      readProgress(progressJson),
      subject.parts,
      (number) =>
        number === subject.part
          ? messageSid
          : Object.entries(earlier.messages).find(([, message]) => message.part === number)?.[0],
    );
    if (sids === null) return;
    await doubtEnding(delivery, {
      resolution: "sent",
      detail: `${provider.name} reported it as ${untrustedStatus}`,
      sids,
    });
  }

  /** Repeats what `take` makes of the present state until nothing else was written in between; null: nothing new. */
  async function advance(
    subject: Subject,
    report: Report,
    told: Told,
  ): Promise<StatusChange | null> {
    const name = textStatusName(subject);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const nowMs = clock.now();
      const text = await store.readRecord(name, nowMs);
      const change = takeReport(knownOf(text, subject), report);
      if (change === null) return null;
      const write = {
        expected: text,
        text: writeTextStatus(change.next),
        untilMs: nowMs + eventRetentionMs,
        outcome: outcomeOfText(change.next, subject.parts),
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
    { kind, key, expected, text, untilMs, outcome }: Required<RecordGuard>,
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
        guard: { kind, key, expected, text, untilMs, outcome },
      },
      ...(optOut === null ? [] : [optOut]),
    ]);
    return own?.accepted === true;
  }

  /** The ledger is written before anybody is told. Null: no opt-out, or nothing new about it. */
  async function noteOptOut(
    { sessionId }: Subject,
    { messageSid, errorCode, to, from, pool }: StatusReport,
    occurredAtMs: number,
  ): Promise<IdentifiedEvent | null> {
    const sender = from === null ? provider.defaultSender : { from };
    if (to === null || !provider.explain(errorCode).optedOut) return null;
    return await optOuts.change({
      wanted: "out",
      customer: to,
      sender,
      pool,
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
    if (errorCode !== null && provider.explain(errorCode).stopsSending) {
      sendingSwitch.close(errorCode);
    }
    if (change.upgraded) log.warn("sms.delivered_after_failure", fields);
    if (change.event === null) return;
    const shown = { ...fields, to: to === null ? null : maskPhone(to) };
    if (change.event.kind === "delivered") return log.info("sms.delivered", shown);
    log.warn("sms.failed", shown);
    notices.tellFailure({ sessionId, errorCode: change.event.errorCode });
  }

  return {
    async take(report) {
      const { messageSid, errorCode, status, untrustedStatus } = report;
      if (status === null) {
        const shown = shownId(untrustedStatus);
        return log.warn("sms.status_unknown", { messageSid, status: shown });
      }
      const subject = await subjectOf(report);
      if (subject === null) {
        return log.info("sms.status_unmatched", { messageSid, status: shownId(untrustedStatus) });
      }
      await endDoubt(subject, report);
      const { part, parts } = subject;
      const understood = { messageSid, part, parts, status, errorCode };
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

function isOf({ sessionId }: PartOfText, { delivery }: DeliveryHistory): boolean {
  return delivery.sinkId === SMS_SINK && delivery.sessionId === sessionId;
}

function knownOf(text: string | null, { isDead }: Subject): TextStatus {
  const known = readTextStatus(text);
  return isDead && !known.told.includes("failed")
    ? { ...known, told: [...known.told, "failed"] }
    : known;
}
