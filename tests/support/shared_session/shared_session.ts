import assert from "node:assert/strict";
import * as v from "valibot";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";
import {
  AGENTS,
  type Callers,
  createCallers,
  EVERYBODY,
  type OperationAnswer,
  SUPERVISOR,
} from "./callers.ts";
import { type Hearing, PATIENCE, startSurroundings, type Surroundings } from "./surroundings.ts";
import { readTold, type ToldEvent } from "./told_event.ts";

/** Its notifications show how far each agent's have come; no test looks at them. */
const MARKED_SESSION = "0000Marked000000";

/** A session as `GET /v1/sessions/{id}` shows it. */
export interface Mapping {
  readonly agentId: string;
  readonly participants: readonly string[];
  readonly state: string;
}

/** One session, the agents who share it, and everything between them and the customer. */
export interface SharedSession extends AsyncDisposable {
  readonly id: string;
  readonly hearing: Hearing;
  readonly centre: ContactCentre;
  /** How many operations on the session have reached the contact centre. */
  readonly forwarded: number;
  /** An agent operates on the session through Patchbay. */
  operate(
    agentId: string,
    operationName: string,
    members?: Readonly<Record<string, unknown>>,
  ): Promise<OperationAnswer>;
  accept(agentId: string): Promise<OperationAnswer>;
  /** The supervisor intrudes upon that agent. */
  intrude(userId: string, supervisorVisibilityMode: string): Promise<OperationAnswer>;
  /** The session as the supervisor reads it; null: nobody holds it. */
  mapping(): Promise<Mapping | null>;
  /**
   * The events that have come to the consumer since the last call, once it has all that there are to be. Checks that they
   * are signed, in the order of `sequence` and without gaps.
   */
  newEvents(): Promise<readonly ToldEvent[]>;
  /** The texts that have gone to the customer, in order. All that are to go have gone before `newEvents` resolves. */
  texts(): readonly string[];
}

export interface SharedSessionOptions {
  /** Of the store. */
  readonly env: Readonly<Record<string, string>>;
  readonly hearing?: Hearing;
}

const mappingSchema = v.object({
  agentId: v.string(),
  participants: v.array(v.object({ agentId: v.string() })),
  state: v.string(),
});

/** A customer has written, and the first of {@link AGENTS} is invited. */
export async function startSharedSession(
  { env, hearing = "pushed" }: SharedSessionOptions,
): Promise<SharedSession> {
  await using started = new AsyncDisposableStack();
  const surroundings = started.use(
    await startSurroundings({ env, hearing, agentIds: EVERYBODY }),
  );
  const { centre, consumer, twilio } = surroundings;
  const callers = createCallers(surroundings);
  const webhook = await callers.manage(v.object({ secret: v.string() }), "POST", "/v1/webhooks", {
    url: consumer.url,
  });
  consumer.setSecret(webhook?.secret ?? "");
  const allTold = createMarker(surroundings);
  if (hearing === "heard") {
    await callers.signIn();
    await allTold();
  }
  const { id } = centre.addSession({
    customer: { nickname: "Pat", phone: "+16501111111" },
    history: [
      { from: "Customer", text: "Where is my parcel?" },
      { from: "External", nickname: "Bot", text: "An agent will be with you shortly" },
    ],
    agentId: AGENTS[0],
  });
  const operate: SharedSession["operate"] = (agentId, operationName, members = {}) =>
    callers.operate(agentId, `/api/v2/me/smssessions/${id}`, { operationName, ...members });
  const newEvents = createReader(surroundings, callers, id);
  const owned = started.move();

  return {
    id,
    hearing,
    centre,
    get forwarded() {
      return centre.requests.items.filter(({ method, path }) =>
        method === "POST" && path.endsWith(id)
      ).length;
    },
    operate,
    accept: (agentId) => operate(agentId, "Accept", { nickname: agentId }),
    intrude: (userId, supervisorVisibilityMode) =>
      callers.operate(SUPERVISOR, `/api/v2/users/${userId}/smssessions/${id}`, {
        operationName: "Intrude",
        supervisorVisibilityMode,
      }),
    async mapping() {
      const session = await callers.manage(mappingSchema, "GET", `/v1/sessions/${id}`);
      if (session === null) return null;
      return { ...session, participants: session.participants.map(({ agentId }) => agentId) };
    },
    async newEvents() {
      await allTold();
      return await newEvents();
    },
    texts: () => twilio.messages.map(({ body }) => body),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Resolves once everything that the contact centre has told so far is in the store. */
function createMarker({ hearing, centre, consumer }: Surroundings): () => Promise<void> {
  let marks = 0;
  return async () => {
    // What is pushed has been answered by then.
    await centre.idle();
    if (hearing === "pushed") return;
    const markOf = (agentId: string) => `mark ${marks} of ${agentId}`;
    marks++;
    for (const agentId of EVERYBODY) {
      const smssession = { id: MARKED_SESSION, mark: markOf(agentId) };
      centre.emit({ notificationType: "PropertiesUpdated", smssession }, agentId);
    }
    // Each agent's connection is in order.
    for (const agentId of EVERYBODY) {
      await consumer.waitFor(({ body }) => body.includes(markOf(agentId)), PATIENCE);
    }
  };
}

const eventsSchema = v.object({
  data: v.array(v.object({ data: v.object({ sequence: v.number() }) })),
  nextCursor: v.null(),
});
const deliveriesSchema = v.object({ data: v.array(v.unknown()), nextCursor: v.null() });

/** Reads what has come to the consumer for the session since the last time. */
function createReader(
  { consumer }: Surroundings,
  { manage }: Callers,
  wanted: string,
): () => Promise<readonly ToldEvent[]> {
  let taken = 0;
  const arrived = () =>
    consumer.deliveries.map(readTold).filter(({ sessionId }) => sessionId === wanted);
  const texts = () => arrived().filter(({ kind }) => kind.startsWith("sms."));

  return async () => {
    const deliveries = await manage(
      deliveriesSchema,
      "GET",
      "/v1/deliveries?webhook=sms&limit=100",
    );
    const textsToGo = deliveries?.data.length ?? 0;
    // Looked at again whenever something arrives.
    await consumer.waitFor(() => texts().length >= textsToGo, PATIENCE);
    const events = await manage(eventsSchema, "GET", `/v1/events?session=${wanted}&limit=100`);
    const last = Math.max(...(events?.data ?? []).map(({ data: { sequence } }) => sequence));
    await consumer.waitFor(() => arrived().some(({ sequence }) => sequence === last), PATIENCE);

    const all = arrived();
    const inOrder = all.map((_, at) => at + 1);
    assert.deepEqual(all.map(({ sequence }) => sequence), inOrder, "the sequence has gaps");
    assert.ok(consumer.deliveries.every(({ verified }) => verified), "a signature is wrong");
    const fresh = all.slice(taken);
    taken = all.length;
    return fresh;
  };
}
