import { createDeliveryEngine } from "../../services/delivery/engine.ts";
import { createGovernor } from "../../services/delivery/governor.ts";
import { createSettler } from "../../services/delivery/settler.ts";
import { createFingerprints } from "../../services/sealing/fingerprints.ts";
import { createIds } from "../../services/support/ids.ts";
import { readNotifications } from "../../services/contact_centre/dialect/notifications.ts";
import { composePublisher } from "../../composition/publisher.ts";
import { createOptOutRecords } from "../../services/sms/opt_out_records.ts";
import { createOptOuts } from "../../services/sms/opt_outs.ts";
import { createPhoneNumbers } from "../../services/sms/phone.ts";
import { createResolver } from "../../services/sms/resolution.ts";
import { createSendingSwitch } from "../../services/sms/sending_switch.ts";
import { createSmsSink, type SmsSinkOptions } from "../../services/sms/sms_sink.ts";
import { createTwilio } from "../../services/sms/twilio/twilio.ts";
import type { DeliveryRecord } from "../../services/store/port/deliveries.ts";
import type { EventRecord, PublishRequest } from "../../services/store/port/events.ts";
import type { Store } from "../../services/store/port/store.ts";
import { openSqliteStore } from "../../services/store/sqlite/store.ts";
import { accept, POLICY } from "./drafts.ts";
import { startTwilio, type TwilioOptions } from "../../simulator/twilio/server.ts";
import { createMemoryLog } from "./memory_log.ts";
import { observeOutbox } from "./observed_outbox.ts";
import { createVirtualClock } from "./virtual_clock.ts";
import { spelledValue } from "./spelled.ts";

export const OUR_NUMBER = "+15005550006";
export const CUSTOMER = "+16501111111";
const PUBLIC_URL = new URL("https://patchbay.example");
const LEASE_MS = 30_000;
const PATIENCE_MS = 20_000;

export interface TextingOptions {
  readonly sink?: Partial<SmsSinkOptions>;
  readonly twilio?: TwilioOptions;
  /** Of one request to Twilio, in real time. */
  readonly timeoutMs?: number;
  readonly sessionTtlMs?: number;
  /** Called before each write of progress; throws to play the death of the process at that point. */
  readonly onNote?: (progressJson: string) => void;
  /** In the place of publishing; may throw as well. */
  readonly publish?: (
    request: PublishRequest,
    publish: Store["publish"],
  ) => ReturnType<Store["publish"]>;
  /** The same before each call that creates a message. */
  readonly onSend?: () => void;
}

/**
 * Everything between an agent's message and the customer's phone: SQLite, the publisher, the delivery engine and the SMS sink,
 * real and on one virtual clock, with a simulated Twilio at their end.
 */
export async function startTexting(options: TextingOptions = {}) {
  const clock = createVirtualClock();
  const log = createMemoryLog();
  const ids = createIds();
  const policy = { ...POLICY, sessionTtlMs: options.sessionTtlMs ?? POLICY.sessionTtlMs };
  const outbox = observeOutbox(openSqliteStore({ path: ":memory:", sync: "normal", policy }));
  const store: Store = {
    ...outbox.store,
    publish: async (request) =>
      await (options.publish?.(request, outbox.store.publish) ?? outbox.store.publish(request)),
    noteProgress: async (request) => {
      options.onNote?.(request.progressJson);
      return await outbox.store.noteProgress(request);
    },
  };
  const twilio = await startTwilio({ clock, ...options.twilio });
  const publisher = composePublisher({
    store,
    clock,
    ids,
    log,
    smsEnabled: true,
    onPublished: () => engine.wake(),
  });
  const sendingSwitch = createSendingSwitch({ clock, log });
  const optOuts = createOptOuts({
    ledger: createOptOutRecords({ records: store, clock }),
    publisher,
    ids,
    clock,
    log,
  });
  const told: { sessionId: string; sentence: string }[] = [];
  const provider = createTwilio({
    accountSid: twilio.accountSid,
    authToken: twilio.authToken,
    authTokenNext: null,
    sender: { from: OUR_NUMBER },
    apiUrl: new URL(twilio.url),
    publicUrl: { url: PUBLIC_URL, typed: PUBLIC_URL.origin },
    timeoutMs: options.timeoutMs ?? 10_000,
    fetch,
    clock,
    log,
  });
  const random = () => 0.5;
  const sinkOptions: SmsSinkOptions = {
    provider: {
      ...provider,
      send: (request) => {
        options.onSend?.();
        return provider.send(request);
      },
    },
    store,
    optOuts,
    numbers: createPhoneNumbers({ defaultCountry: null }),
    fingerprints: createFingerprints([new Uint8Array(32)]),
    sendingSwitch,
    rateLimit: null,
    media: false,
    tellAgent: (sessionId, sentence) => void told.push({ sessionId, sentence }),
    retryWaitsMs: [5_000, 30_000, 120_000, 600_000, 1_800_000],
    sessionTtlMs: policy.sessionTtlMs,
    timeoutMs: 15_000,
    leaseMs: LEASE_MS,
    clock,
    random,
    log,
    ...options.sink,
  };
  const sink = createSmsSink(sinkOptions);
  const engine = createDeliveryEngine({
    outbox: store,
    settler: createSettler({ outbox: store, publisher, clock, log, onFailing: () => {} }),
    governor: createGovernor({
      settings: () => Promise.resolve([sendingSwitch.sinkSettings(10)]),
      clock,
      log,
      concurrencyPerSink: 10,
    }),
    sinkFor: () => sink,
    clock,
    random,
    ids,
    log,
    leaseMs: LEASE_MS,
  });
  engine.start();
  const resolve = createResolver({ store, publisher, clock, log });

  async function deliveries(): Promise<readonly DeliveryRecord[]> {
    return (await store.listDeliveries({ limit: 200 })).items;
  }

  async function statuses(): Promise<string[]> {
    return (await deliveries()).map(({ status }) => status);
  }

  async function isQuiet(): Promise<boolean> {
    return (await deliveries()).every(({ status, nextAttemptAtMs }) =>
      status !== "delivering" && (nextAttemptAtMs === null || nextAttemptAtMs > clock.now())
    );
  }

  /** A test that waits in vain says for what, instead of never ending. */
  async function inTime<T>(what: () => string, work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(async () => {
      reject(new Error(`Cannot wait for ${what()}: they are ${(await statuses()).join()}`));
    }, PATIENCE_MS);
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    clock,
    log,
    store,
    twilio,
    sendingSwitch,
    optOuts,
    publisher,
    engine,
    outbox,
    resolve,
    /** What the sink was made of. */
    sinkOptions,
    /** What the agents were told. */
    told,
    deliveries,
    statuses,
    /** The agent accepts the session, whose customer has that number. */
    async accept(sessionId: string, phone = CUSTOMER, agentId = "agent-1") {
      await accept(store, sessionId, agentId, { nowMs: clock.now() });
      await store.setCustomer({
        sessionId,
        customer: { phone, sender: null },
        nowMs: clock.now(),
      });
    },
    /** Messages come in as upstream sends them; texts are the agent's words to all, unless `members` say otherwise. */
    async say(sessionId: string, index: number, ...texts: (string | Record<string, unknown>)[]) {
      const messages = texts.map((text, at) => ({
        index: index + at,
        type: "Text",
        from: { type: "Agent", nickname: "Marat", participantId: "009052C5E743004C" },
        visibility: "All",
        timestamp: new Date(clock.now()).toISOString().replace("Z", "+0000"),
        ...(typeof text === "string" ? { text } : text),
      }));
      const read = readNotifications(spelledValue({
        messageType: "MessageLogUpdated",
        notificationType: "NewMessages",
        smssession: { id: sessionId },
        messages,
      }));
      if (!read.ok) throw new Error(`Cannot say it: ${read.message}`);
      await publisher.publishNotifications(read.notifications);
    },
    /** Resolves once every delivery stands like this, in the order of their events. */
    async until(...wanted: string[]) {
      await inTime(
        () => `deliveries that are ${wanted.join()}`,
        outbox.until(async () => (await statuses()).join() === wanted.join()),
      );
    },
    /** Moves time on, and lets what is due by then happen. */
    async passTime(ms: number) {
      clock.advance(ms);
      engine.wake();
      await inTime(() => "nothing to be due", outbox.until(isQuiet));
    },
    /** What left, in order. */
    bodies: () => twilio.messages.map(({ body }) => body),
    async events(type: string): Promise<readonly EventRecord[]> {
      return (await store.listEvents({ type, limit: 200 })).items;
    },
    async attempts(at = 0) {
      const delivery = (await deliveries())[at];
      const history = delivery === undefined ? null : await store.readDelivery(delivery.id);
      return (history?.attemptsJson ?? []).map((json) => JSON.parse(json));
    },
    async [Symbol.asyncDispose]() {
      await engine.stop(0);
      await twilio.close();
      await store.close();
    },
  };
}

/** The `data` of an event. */
export function dataOf(event: EventRecord | undefined): Record<string, unknown> {
  return event === undefined ? {} : JSON.parse(event.dataJson);
}
