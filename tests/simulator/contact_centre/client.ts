/** A client of the simulated contact centre's REST API, and a watched contact centre for it. */
import * as v from "valibot";
import { createVirtualClock, type VirtualClock } from "../../support/virtual_clock.ts";
import { SAMPLES } from "../../../simulator/contact_centre/documented_accept.ts";
import {
  type ContactCentreOptions,
  startContactCentre,
} from "../../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";

/** Where the sample of the documented Accept lies. */
export const SEED = SAMPLES.pathname.replace(/\/$/, "");

const personSchema = v.looseObject({
  nickname: v.string(),
  type: v.string(),
  participantId: v.string(),
});
const sessionSchema = v.looseObject({
  id: v.string(),
  state: v.string(),
  capabilities: v.optional(v.array(v.string())),
  participants: v.optional(v.array(personSchema)),
  userData: v.optional(v.record(v.string(), v.unknown())),
});
const messageSchema = v.looseObject({
  index: v.number(),
  type: v.string(),
  visibility: v.string(),
  from: personSchema,
  text: v.optional(v.string()),
});
const notificationSchema = v.looseObject({
  notificationType: v.string(),
  referenceId: v.optional(v.number()),
  smssession: v.optional(sessionSchema),
  messages: v.optional(v.array(messageSchema)),
  smssessionUri: v.optional(v.string()),
  errorCode: v.optional(v.number()),
  errorMessage: v.optional(v.string()),
});
const answerSchema = v.looseObject({
  statusCode: v.number(),
  statusMessage: v.optional(v.string()),
  referenceId: v.optional(v.number()),
  smssession: v.optional(sessionSchema),
  smssessions: v.optional(v.array(sessionSchema)),
  messages: v.optional(v.array(messageSchema)),
  user: v.optional(v.looseObject({
    id: v.string(),
    channels: v.array(v.string()),
    smssessions: v.optional(v.array(sessionSchema)),
  })),
});

/** A notification that the contact centre told, and to whom. */
export interface Told {
  readonly to: string | null;
  readonly body: v.InferOutput<typeof notificationSchema>;
}

export interface Answer {
  readonly status: number;
  readonly body: v.InferOutput<typeof answerSchema>;
}

export interface Watched extends AsyncDisposable {
  readonly centre: ContactCentre;
  readonly clock: VirtualClock;
  /** A session that any agent may accept. */
  readonly id: string;
  /** Everything that was told, in order. */
  readonly told: readonly Told[];
}

/** A contact centre with one waiting session, on a clock that stands still. */
export async function startWatched(options: ContactCentreOptions = {}): Promise<Watched> {
  const told: Told[] = [];
  const clock = createVirtualClock();
  const centre = await startContactCentre({
    clock,
    notify(notification, { agentId }) {
      told.push({ to: agentId, body: v.parse(notificationSchema, notification) });
    },
    ...options,
  });
  const { id } = centre.addSession({ customer: { nickname: "PersonP", phone: "+12025550123" } });
  return { centre, clock, id, told, [Symbol.asyncDispose]: () => centre.close() };
}

export interface RequestOptions {
  /** Null: without credentials. */
  readonly agent?: string | null;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** One request in the name of an agent, by Basic credentials. */
export function send(
  { url }: ContactCentre,
  method: string,
  path: string,
  { agent = "agent-1", body, signal }: RequestOptions = {},
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method,
    redirect: "manual",
    headers: agent === null ? {} : { authorization: `Basic ${btoa(`${agent}:`)}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The same, with its answer read. */
export async function request(
  centre: ContactCentre,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Answer> {
  const response = await send(centre, method, path, options);
  return { status: response.status, body: v.parse(answerSchema, await response.json()) };
}

/** An operation on a session. */
export function operate(
  centre: ContactCentre,
  id: string,
  body: Record<string, unknown>,
  agent = "agent-1",
): Promise<Answer> {
  return request(centre, "POST", `/api/v2/me/smssessions/${id}`, { agent, body });
}

export const ACCEPT = { operationName: "Accept", nickname: "John Doe" };

/** What most operations answer. */
export const SUCCESS: Answer = { status: 200, body: { statusCode: 0 } };

/** Notifications in short: their type, and the state where they tell one. */
export function inShort(told: readonly Told[]): string[] {
  return told.map(({ body: { notificationType, smssession } }) =>
    smssession === undefined ? notificationType : `${notificationType} ${smssession.state}`
  );
}

/** The same with the agent in front. */
export function inShortByAgent(told: readonly Told[]): string[] {
  return inShort(told).map((text, i) => `${told[i]?.to}: ${text}`);
}
