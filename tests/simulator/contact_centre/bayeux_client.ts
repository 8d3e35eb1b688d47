/** A client of the Bayeux protocol that sends each message by itself, to look at single replies. */
import assert from "node:assert/strict";
import * as v from "valibot";
import {
  type ContactCentreOptions,
  startContactCentre,
} from "../../../simulator/contact_centre/server.ts";
import type { ContactCentre } from "../../../simulator/contact_centre/contact_centre.ts";

/** The replies and messages of an answer. */
export const replySchema = v.array(v.looseObject({
  channel: v.string(),
  id: v.optional(v.string()),
  successful: v.optional(v.boolean()),
  error: v.optional(v.string()),
  clientId: v.optional(v.string()),
  advice: v.optional(v.record(v.string(), v.unknown())),
  data: v.optional(v.unknown()),
}));
export type Replies = v.InferOutput<typeof replySchema>;

/** An answer as it came. */
export interface Sent {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly text: string;
}

export interface SendOptions {
  readonly agent?: string | null;
  readonly cookie?: string;
  readonly suffix?: string;
}

/** Sends messages, or any body at all, to the CometD endpoint in the name of an agent. */
export async function send(
  { url, cometd }: ContactCentre,
  body: unknown,
  { agent = "agent-1", cookie, suffix = "" }: SendOptions = {},
): Promise<Sent> {
  const response = await fetch(`${url}${cometd.path}${suffix}`, {
    method: "POST",
    headers: {
      "content-type": "application/json;charset=UTF-8",
      ...(agent === null ? {} : { authorization: `Basic ${btoa(`${agent}:`)}` }),
      ...(cookie === undefined ? {} : { cookie }),
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const cookies = response.headers.getSetCookie().map((line) => line.split(";", 1)[0] ?? "");
  return { status: response.status, cookies, text: await response.text() };
}

/** The same with the replies read; the answer has to be 200. */
export async function exchange(
  centre: ContactCentre,
  body: unknown,
  options: SendOptions = {},
): Promise<Replies> {
  const { status, text } = await send(centre, body, options);
  assert.equal(status, 200, text);
  return v.parse(replySchema, JSON.parse(text));
}

export const HANDSHAKE = {
  id: "1",
  version: "1.0",
  minimumVersion: "1.0",
  channel: "/meta/handshake",
  supportedConnectionTypes: ["long-polling"],
};

/** A CometD session by hand. */
export interface Session extends AsyncDisposable {
  readonly centre: ContactCentre;
  readonly clientId: string;
  readonly cookie: string;
  /** Sends messages of this session. */
  say(...messages: readonly object[]): Promise<Replies>;
}

/** A contact centre with one CometD session, subscribed to `/v2/me/*`, that has not connected yet. */
export async function startSession(options: ContactCentreOptions = {}): Promise<Session> {
  const centre = await startContactCentre(options);
  const { cookies, text } = await send(centre, [HANDSHAKE], { suffix: "/handshake" });
  const [reply] = v.parse(replySchema, JSON.parse(text));
  const clientId = reply?.clientId ?? "";
  const cookie = cookies.join("; ");
  const say = (...messages: readonly object[]) =>
    exchange(centre, messages.map((message) => ({ clientId, ...message })), { cookie });
  await say({ id: "2", channel: "/meta/subscribe", subscription: "/v2/me/*" });
  return { centre, clientId, cookie, say, [Symbol.asyncDispose]: () => centre.close() };
}

export const CONNECT = { id: "3", channel: "/meta/connect", connectionType: "long-polling" };
export const FIRST_CONNECT = { ...CONNECT, advice: { timeout: 0 } };

/** Resolves once the contact centre has held so many connects. */
export function held({ cometd }: ContactCentre, n = 1): Promise<unknown> {
  return cometd.happenings.waitFor((happening) =>
    happening.kind === "held" &&
    cometd.happenings.items.filter(({ kind }) => kind === "held").length >= n
  );
}
