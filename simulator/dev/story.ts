import { maskPhone } from "../../services/support/log.ts";
import { SAMPLES } from "../contact_centre/documented_accept.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { HookCall } from "../twilio/hook_caller.ts";
import type { TwilioMessage } from "../twilio/message.ts";
import type { Delivery } from "../webhook_consumer/webhook_inbox.ts";
import type { Timeline } from "./timeline.ts";
import type { World } from "./world.ts";

/** The session of the documented request; the documented notifications are about another one. */
const ASKED_SESSION = "0071023821aec011";
const TOLD_SESSION = "0000Na9B26EF002X";
const CUSTOMER_PHONE = "+12025550123";
const ARRIVES_WITHIN = { timeoutMs: 10_000 };

/** Calls Patchbay as one agent. */
type Call = (method: string, path: string, body?: string) => Promise<Response>;

/**
 * Plays the documented Accept, then a conversation in which the agent writes to the customer. Throws when anything that
 * should have arrived did not, or did arrive although it should not.
 */
export async function playStory(world: World, timeline: Timeline): Promise<void> {
  const token = await world.tokenOf("john.doe");
  const call: Call = (method, path, body) =>
    fetch(world.patchbay.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body }),
    });
  timeline.heading("A third party registers a webhook");
  await registerWebhook(world, timeline, call);
  timeline.heading("The documented Accept, value for value");
  await playDocumentedAccept(world, timeline, call);
  timeline.heading("An agent writes to the customer, who writes back");
  await playConversation(world, timeline, call);
}

async function registerWebhook(world: World, timeline: Timeline, call: Call): Promise<void> {
  const request = JSON.stringify({ url: world.consumer.at("/hooks").url });
  const answer = await call("POST", "/v1/webhooks", request);
  const { id, secret } = await answer.json();
  expect(answer.status === 201, `POST /v1/webhooks answered ${answer.status}`);
  world.consumer.at("/hooks").setSecret(secret);
  timeline.entry("third party → Patchbay", `POST /v1/webhooks ${request}`);
  timeline.entry("Patchbay → third party", `201 ${id}`, "its secret is shown this once");
}

async function playDocumentedAccept(world: World, timeline: Timeline, call: Call): Promise<void> {
  await world.contactCentre.playDocumentedAccept(SAMPLES.pathname);
  const request = await Deno.readTextFile(new URL("accept_request.json", SAMPLES));
  const path = `/api/v2/me/smssessions/${ASKED_SESSION}`;
  await operate(world, timeline, call, path, request);
  await showMapping(timeline, call, ASKED_SESSION);
  timeline.entry(
    "",
    `(the published sample uses two ids: its notifications are about ${TOLD_SESSION})`,
  );

  const hooks = world.consumer.at("/hooks");
  const arrived = (type: string, sessionId: string) => awaitVerified(hooks, type, sessionId);
  await arrived("session.accepted", ASKED_SESSION);
  await arrived("session.status_changed", TOLD_SESSION);
  await arrived("session.participants_updated", TOLD_SESSION);
  const history = await arrived("session.messages_added", TOLD_SESSION);
  const { messages } = JSON.parse(history.body).data.notification;
  expect(messages.length === 6, `the history came with ${messages.length} messages instead of 6`);
  await nothingWaits(call);
  expect(world.twilio.messages.length === 0, "the history left as SMS");
  timeline.entry("", "the history reached the webhook once; no SMS was sent for it");
}

async function playConversation(world: World, timeline: Timeline, call: Call): Promise<void> {
  const { id: sessionId } = world.contactCentre.addSession({
    customer: { nickname: "PersonP", phone: CUSTOMER_PHONE },
    history: [{ from: "Customer", text: "Hello World" }],
  });
  const path = `/api/v2/me/smssessions/${sessionId}`;
  await operate(world, timeline, call, path, '{"operationName":"Accept","nickname":"John Doe"}');
  await showMapping(timeline, call, sessionId);
  const text = "Hello PersonP, how can I help?";
  await operate(
    world,
    timeline,
    call,
    path,
    JSON.stringify({ operationName: "SendMessage", text }),
  );
  const sms = await world.twilio.received(1, ARRIVES_WITHIN);
  expect(
    sms.to === CUSTOMER_PHONE && sms.body === text,
    "another SMS left than the one that the agent wrote",
  );
  await awaitVerified(world.consumer.at("/hooks"), "sms.sent", sessionId);
  await awaitVerified(world.consumer.at("/hooks"), "sms.delivered", sessionId);
  await customerAnswers(world, timeline, sessionId);
  await operate(world, timeline, call, path, '{"operationName":"Complete"}');
  await awaitVerified(world.consumer.at("/hooks"), "session.released", sessionId);
  await nothingWaits(call);
  expect(world.twilio.messages.length === 1, "more than one SMS left");
}

/** By SMS, which finds its way to the session. */
async function customerAnswers(
  world: World,
  timeline: Timeline,
  sessionId: string,
): Promise<void> {
  const body = "Where is my parcel?";
  timeline.entry("phone → Twilio", `SMS from ${maskPhone(CUSTOMER_PHONE)}: ${body}`);
  const { taken, replies } = await world.twilio.textIn({ from: CUSTOMER_PHONE, body });
  expect(taken, "the customer's text was not taken");
  expect(replies.length === 0, "the answer to Twilio went to the customer");
  const { body: told } = await awaitVerified(
    world.consumer.at("/hooks"),
    "sms.received",
    sessionId,
  );
  expect(JSON.parse(told).data.text === body, "another text arrived than the customer wrote");
}

/** An agent's request, and what upstream saw of it. */
async function operate(
  world: World,
  timeline: Timeline,
  call: Call,
  path: string,
  body: string,
): Promise<void> {
  timeline.entry("agent → Patchbay", `POST ${path}`, oneLine(body));
  const seen = world.contactCentre.requests.items.length;
  const answer = await call("POST", path, body);
  const answerText = await answer.text();
  const forwarded = world.contactCentre.requests.items[seen];
  expect(forwarded?.body === body, "upstream did not get the same bytes");
  timeline.entry(
    "Patchbay → agent",
    `${answer.status} ${oneLine(answerText)}`,
    "body forwarded unchanged, answer returned unchanged",
  );
  expect(JSON.parse(answerText).statusCode === 0, `${path} was refused: ${answerText}`);
}

async function showMapping(timeline: Timeline, call: Call, sessionId: string): Promise<void> {
  const answer = await call("GET", `/v1/sessions/${sessionId}`);
  const session = await answer.json();
  expect(session.agentId === "john.doe", `GET /v1/sessions/${sessionId}: ${answer.status}`);
  timeline.entry("mapping", `${session.id} is held by ${session.agentId} (${session.nickname})`);
}

async function awaitVerified(
  hooks: ReturnType<World["consumer"]["at"]>,
  type: string,
  sessionId: string,
): Promise<Delivery> {
  const delivery = await hooks.waitFor(
    (one) => one.type === type && JSON.parse(one.body).data.sessionId === sessionId,
    ARRIVES_WITHIN,
  );
  expect(delivery.verified, `the signature of ${type} is wrong: ${delivery.fault}`);
  return delivery;
}

/** Everything has been delivered: nothing pending, under way or put off. */
async function nothingWaits(call: Call): Promise<void> {
  const deadline = AbortSignal.timeout(ARRIVES_WITHIN.timeoutMs);
  while (!deadline.aborted) {
    const counts = await Promise.all(["pending", "delivering", "retrying"].map(async (status) => {
      const answer = await call("GET", `/v1/deliveries?status=${status}&limit=1`);
      return (await answer.json()).data.length;
    }));
    if (counts.every((count) => count === 0)) return;
  }
  throw new Error("Cannot finish the story: deliveries are still waiting");
}

/** How a request upstream looks on the timeline. */
export function showUpstream(timeline: Timeline, { method, path }: RecordedRequest): void {
  timeline.entry("Patchbay → contact centre", `${method} ${path}`);
}

/** How a notification looks on the timeline. */
export function showNotification(
  timeline: Timeline,
  { notificationType }: Readonly<Record<string, unknown>>,
): void {
  timeline.entry("contact centre → Patchbay", `notification ${notificationType}`);
}

/** How a delivery looks on the timeline. */
export function showDelivery(timeline: Timeline, delivery: Delivery): void {
  const { data } = JSON.parse(delivery.body);
  const where = data.sessionId === null ? "" : ` ${data.sessionId} #${data.sequence}`;
  timeline.entry(
    "Patchbay → webhook",
    `${delivery.type}${where}`,
    delivery.verified ? `signature verified, ${delivery.id}` : `NOT VERIFIED: ${delivery.fault}`,
  );
}

/** How an SMS looks on the timeline. */
export function showMessage(timeline: Timeline, message: TwilioMessage): void {
  timeline.entry(
    "Patchbay → Twilio → phone",
    `SMS to ${maskPhone(message.to)} from ${maskPhone(message.from ?? "")}: ${message.body}`,
  );
}

/** How a request of Twilio's looks on the timeline. */
export function showHook(timeline: Timeline, { purpose, fields, attempts }: HookCall): void {
  const what = purpose === "status" ? `status ${fields["MessageStatus"]}` : "the customer's text";
  const last = attempts.at(-1);
  const answer = last?.kind === "answered" ? last.status : last?.detail ?? "not called";
  timeline.entry("Twilio → Patchbay", `${what} → ${answer}`);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function expect(held: boolean, otherwise: string): void {
  if (!held) throw new Error(`Cannot finish the story: ${otherwise}`);
}
