/**
 * Every notification that the vendor's SMS Session API documents, describes or misspells (Genesys Web Services 8.5.2 and 8.6), from
 * its text to what is stored: event, sequence, what was observed, what may leave as SMS, and the notification as it came.
 */
import assert from "node:assert/strict";
import { createIds } from "../../../../services/support/ids.ts";
import type { Observation } from "../../../../services/store/port/events.ts";
import { SMS_SINK } from "../../../../services/store/port/deliveries.ts";
import { readNotifications } from "../../../../services/contact_centre/dialect/notifications.ts";
import { endingOf, isTerminal } from "../../../../services/contact_centre/dialect/states.ts";
import type { ParsedNotification } from "../../../../services/events/notification.ts";
import { composePublisher } from "../../../../composition/publisher.ts";
import { openSqliteStore } from "../../../../services/store/sqlite/store.ts";
import { createMemoryLog } from "../../../support/memory_log.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";
import { spelled, spelledValue } from "../../../support/spelled.ts";

const FIXTURES = new URL("../../../fixtures/upstream/", import.meta.url);
const POLICY = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };

/** What one notification of a sample becomes. */
interface Becomes {
  readonly event: string;
  /** Without the fixtures' common start. */
  readonly session: string;
  readonly state?: string;
  readonly phone?: string;
  readonly sender?: string;
  /** Which of its messages may leave as SMS. */
  readonly sms?: readonly number[];
  /** Which of its messages are left, where some were seen before. */
  readonly messages?: readonly number[];
}

const SESSION_PREFIX = "0003Ta7K5WQM";

const status = (session: string, state: string, more: Partial<Becomes> = {}): Becomes => (
  { event: "session.status_changed", session, state, ...more }
);
const participants = (session: string, state = "Chatting"): Becomes => (
  { event: "session.participants_updated", session, state }
);
const properties = (session: string, more: Partial<Becomes> = {}): Becomes => (
  { event: "session.properties_updated", session, state: "Chatting", ...more }
);
const messages = (
  session: string,
  sms: readonly number[] = [],
  more: Partial<Becomes> = {},
): Becomes => ({ event: "session.messages_added", session, sms, ...more });

/** Null: nothing, all of it was seen before. */
const SAMPLES: readonly (readonly [string, readonly (Becomes | null)[]])[] = [
  // The operations, in the order of the documentation. What the join brings of the time before it never leaves.
  ["accept", [status("0001", "Chatting"), participants("0001"), messages("0001")]],
  ["accept_test_message_type", [status("0002", "Chatting")]],
  ["reject", [status("0003", "Completed")]],
  ["send_message", [messages("0004", [5])]],
  ["send_url", [messages("0005", [6])]],
  ["send_url_with_time_as_text_only", [messages("0006", [6])]],
  ["send_start_typing_notification", [messages("0007")]],
  ["send_stop_typing_notification", [messages("0008")]],
  ["send_to_agents", [messages("0009")]],
  ["send_start_typing_to_agents_notification", [messages("0010")]],
  ["send_stop_typing_to_agents_notification", [messages("0011")]],
  ["send_custom_notice", [messages("0012")]],
  ["send_custom_notice_to_agents", [messages("0013")]],
  ["leave", [status("0014", "LeftChat"), status("0014", "Completed")]],
  ["complete", [status("0015", "Completed")]],
  ["consult", [participants("0016"), messages("0016")]],
  ["invite", [participants("0017"), messages("0017", [5])]],
  ["attach_user_data", [properties("0018")]],
  ["update_user_data", [properties("0019")]],
  ["delete_user_data", [properties("0020")]],
  ["set_disposition", [properties("0021")]],
  ["intrude", [status("0022", "Invited")]],
  // Described, or shown for chats alone.
  ["invited_over_cometd", [
    status("0023", "Invited", { phone: "16505550141", sender: "16505550100" }),
  ]],
  ["revoked", [status("0024", "Revoked")]],
  ["error", [
    { event: "session.operation_failed", session: "0025", state: "Chatting" },
    { event: "session.operation_failed", session: "0025" },
  ]],
  ["history_with_bot", [messages("0026")]],
  ["messages_of_every_type", [messages("0027", [6, 7])]],
  ["indices_with_gaps", [
    messages("0028", [3]),
    messages("0028", [7]),
    messages("0028", [5]),
  ]],
  ["echo_and_repeated_history", [
    messages("0029", [2]),
    null,
    messages("0029", [4], { messages: [3, 4] }),
  ]],
  ["customer_number_in_user_data", [
    properties("0030", { phone: "16505550141", sender: "16505550100" }),
    properties("0031", { phone: "16505550142", sender: "46460" }),
    properties("0032", { phone: "16505550143" }),
    properties("0033"),
  ]],
  ["cometd_batch", [status("0034", "Chatting"), messages("0034", [1])]],
  ["customer_leaves", [messages("0035"), participants("0035")]],
  ["messages_with_an_address_alone", [
    messages("0036", [1]),
    messages("0036", [2]),
    messages("0036", [3]),
    messages("0036", [4]),
  ]],
  ["coach_and_monitor", [participants("0037"), messages("0037")]],
  ["unknown_notification", [{
    event: "session.notification",
    session: "0038",
    state: "Chatting",
  }]],
  ["resource_without_lists", [{ event: "session.status_changed", session: "0039" }]],
];

const NO_SESSION = [
  "not_a_session_devices",
  "not_a_session_services",
  "not_a_session_chat",
  "not_a_session_chat_messages",
  "not_a_session_error",
];

/** The agent's Accept, by upstream's clock: the moment of the join in the sample of Accept. */
const ACCEPTED_UPSTREAM_MS = Date.parse("2014-05-15T02:24:00.000-07:00");

async function readSample(name: string) {
  const text = await Deno.readTextFile(new URL(`${name}.json`, FIXTURES));
  return { text, json: JSON.parse(text) as unknown };
}

/** The notifications as upstream meant them, out of their framing; meta messages are none. */
function bareNotifications(sample: unknown): Record<string, unknown>[] {
  const framed = (Array.isArray(sample) ? sample : [sample]) as Record<string, unknown>[];
  return framed
    .filter(({ channel }) => !String(channel).startsWith("/meta/"))
    .map((body) => ("channel" in body ? body["data"] : body) as Record<string, unknown>);
}

/** Publishes what was read to a store in which the sessions are an agent's. */
async function publishToMapped(notifications: readonly ParsedNotification[]) {
  const clock = createVirtualClock();
  const ids = createIds();
  const store = openSqliteStore({ path: ":memory:", sync: "normal", policy: POLICY });
  const publisher = composePublisher({
    store,
    clock,
    ids,
    log: createMemoryLog(),
    smsEnabled: true,
    onPublished: () => {},
  });
  for (const sessionId of new Set(notifications.map(({ sessionId }) => sessionId))) {
    const nowMs = clock.now();
    const agentId = "agent-1";
    await store.claimSession(
      { sessionId, agentId, token: "claim", nowMs, untilMs: nowMs + 60_000 },
    );
    const own = { type: "session.accepted", sessionId, data: { nickname: "Noor" } } as const;
    const { draft, webhooksVersion } = await publisher.draft(own);
    await store.confirmSession(
      {
        sessionId,
        agentId,
        nickname: "Noor",
        nowMs,
        acceptedUpstreamMs: ACCEPTED_UPSTREAM_MS,
        as: "holder",
      },
      draft,
      webhooksVersion,
    );
  }
  const outcome = await publisher.publishNotifications(notifications);
  return { store, clock, outcome };
}

for (const [name, becomes] of SAMPLES) {
  const types = becomes.map((each) => each?.event ?? "nothing").join(", ");
  Deno.test(`the sample ${name} becomes ${types}`, async () => {
    const { text, json } = await readSample(name);
    const read = readNotifications(spelled(text));
    assert.ok(read.ok, read.ok ? "" : read.message);
    const { store, clock, outcome } = await publishToMapped(read.notifications);
    const accepted = becomes.filter((each) => each !== null);
    const isOver = becomes.some((each) => each?.state !== undefined && isTerminal(each.state));
    assert.deepEqual(outcome, {
      accepted: accepted.length,
      duplicates: becomes.length - accepted.length,
      departed: isOver ? 1 : 0,
    });

    const { items: events } = await store.listEvents({ limit: 100 });
    const told = events.filter(({ dataJson }) => "notification" in JSON.parse(dataJson));
    const { items: deliveries } = await store.listDeliveries({ limit: 100, sinkId: SMS_SINK });
    const samples = bareNotifications(json);
    const sequences = new Map<string, number>();
    for (const [nth, expected] of becomes.entries()) {
      if (expected === null) continue;
      const event = told.shift();
      const sessionId = SESSION_PREFIX + expected.session;
      // Number 1 is session.accepted.
      const sequence = (sequences.get(sessionId) ?? 1) + 1;
      sequences.set(sessionId, sequence);
      assert.deepEqual(
        [event?.type, event?.sessionId, event?.sequence, event?.agentId],
        [expected.event, sessionId, sequence, "agent-1"],
      );

      const { state, phone, sender } = expected;
      const reason = state === undefined ? null : endingOf(state);
      const observation: Observation = read.notifications[nth]?.observed ?? {};
      const { ending, ...observed } = observation;
      // No sample lists anybody in a session that is over.
      assert.deepEqual(ending, reason === null ? undefined : { reason, stillIn: "untold" });
      assert.deepEqual(
        observed,
        Object.fromEntries(
          Object.entries({ state, phone, sender }).filter(([, value]) => value !== undefined),
        ),
      );

      const sms = deliveries.filter(({ eventId }) => eventId === event?.id);
      assert.deepEqual(
        sms.map(({ messageIndex }) => messageIndex).toSorted(),
        [...expected.sms ?? []].toSorted(),
      );

      const verbatim = JSON.stringify(narrowed(samples[nth], expected.messages));
      assert.equal(event?.dataJson, `{"notification":${verbatim}}`);
    }
    await assertRemembered(accepted, store, clock.now());
    await store.close();
  });
}

/** The sample with these of its messages, all without `indexes`. */
function narrowed(
  sample: Record<string, unknown> | undefined,
  indexes: readonly number[] | undefined,
) {
  if (indexes === undefined) return sample;
  const all = sample?.["messages"] as { readonly index: number }[];
  return { ...sample, messages: all.filter(({ index }) => indexes.includes(index)) };
}

/** What was observed stands with the mapping, for as long as upstream's session is not over. */
async function assertRemembered(
  becomes: readonly Becomes[],
  store: ReturnType<typeof openSqliteStore>,
  nowMs: number,
): Promise<void> {
  for (const [session, told] of Map.groupBy(becomes, ({ session }) => session)) {
    const state = told.findLast(({ state }) => state !== undefined)?.state;
    if (state === "Completed" || state === "Revoked") continue;
    const mapped = await store.readSession(SESSION_PREFIX + session, { nowMs, slide: false });
    assert.equal(mapped?.state, state ?? "accepted");
    const customer = told.findLast(({ phone }) => phone !== undefined);
    assert.deepEqual(
      mapped?.customer,
      customer === undefined ? null : { phone: customer.phone, sender: customer.sender ?? null },
    );
  }
}

for (const name of NO_SESSION) {
  Deno.test(`the sample ${name} is refused as no-session, alone and among others`, async () => {
    const { text, json } = await readSample(name);
    const alone = readNotifications(spelled(text));
    assert.equal(alone.ok ? null : alone.reason, "no-session");
    const { json: good } = await readSample("complete");
    const among = readNotifications(spelledValue([good, json]));
    assert.equal(among.ok ? null : among.message.startsWith("Cannot read notification 2:"), true);
  });
}

Deno.test("every sample file is in a table above", async () => {
  const files = await Array.fromAsync(Deno.readDir(FIXTURES), ({ name }) => name);
  const named = [...SAMPLES.map(([name]) => name), ...NO_SESSION].map((name) => `${name}.json`);
  assert.deepEqual(files.toSorted(), named.toSorted());
});
