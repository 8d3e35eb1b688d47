/** What Twilio asks of Patchbay: a customer's text, and what became of one of ours; signed as Twilio signs. */
import assert from "node:assert/strict";
import { type Answer, request } from "./client.ts";
import type { SentText } from "../support/scripted_twilio.ts";
import { PUBLIC_URL, TWILIO_FROM, type World } from "./world.ts";

export type Fields = Readonly<Record<string, string>>;

/** How a call departs from what Twilio would do. */
export interface Calling {
  /** Default: the auth token of the account. */
  readonly authToken?: string;
  /** Instead of the right one; null leaves the header out. */
  readonly signature?: string | null;
  /** As somebody typed it into Twilio's console; default: {@link PUBLIC_URL}. */
  readonly publicUrl?: string;
}

/**
 * Posts `fields` to `url`, which begins with the public URL, to the Patchbay that runs.
 * The signature is over the address as Twilio knows it, not over the one that is connected to.
 */
export async function callAsTwilio(
  world: World,
  url: string,
  fields: Fields,
  calling: Calling = {},
): Promise<Answer> {
  const { authToken = world.twilio.authToken, signature, publicUrl = PUBLIC_URL } = calling;
  assert.ok(url.startsWith(`${publicUrl}/`), `${url} is not at ${publicUrl}`);
  const signed = signature === undefined ? await sign(authToken, url, fields) : signature;
  return await request(world.patchbay.url + url.slice(publicUrl.length), {
    headers: {
      "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
      ...(signed === null ? {} : { "x-twilio-signature": signed }),
    },
    body: new URLSearchParams(fields).toString(),
  });
}

/** The fields of a text of this customer. */
export function customerText(world: World, from: string, body: string, members: Fields = {}) {
  const messageSid = newMessageSid();
  return {
    MessageSid: messageSid,
    SmsSid: messageSid,
    SmsMessageSid: messageSid,
    AccountSid: world.twilio.accountSid,
    From: from,
    To: TWILIO_FROM,
    Body: body,
    NumMedia: "0",
    NumSegments: "1",
    SmsStatus: "received",
    ApiVersion: "2010-04-01",
    ...members,
  };
}

/** Posts a customer's text to where Twilio is configured to bring it. */
export function bringText(world: World, fields: Fields, calling?: Calling): Promise<Answer> {
  return callAsTwilio(
    world,
    `${calling?.publicUrl ?? PUBLIC_URL}/ingress/twilio/sms`,
    fields,
    calling,
  );
}

/** Tells the address that the text itself named what has become of it; asserts that this is taken. */
export async function tellStatus(
  world: World,
  sent: SentText,
  status: string,
  members: Fields = {},
): Promise<void> {
  const answer = await callAsTwilio(
    world,
    callbackOf(sent),
    statusFields(world, sent, status, members),
  );
  assert.ok(answer.status === 200 || answer.status === 204, `${answer.status} ${answer.text}`);
}

/** The `StatusCallback` of a text; there has to be one. */
export function callbackOf({ statusCallback }: SentText): string {
  assert.ok(statusCallback !== null, "the text names no StatusCallback");
  return statusCallback;
}

export function statusFields(
  world: World,
  { sid, to, from }: SentText,
  status: string,
  members: Fields = {},
): Fields {
  return {
    MessageSid: sid,
    SmsSid: sid,
    MessageStatus: status,
    SmsStatus: status,
    AccountSid: world.twilio.accountSid,
    From: from ?? "",
    To: to ?? "",
    ApiVersion: "2010-04-01",
    ...members,
  };
}

/**
 * The address, then each field's name and value in the order of the names; HMAC-SHA1 with the auth token, in base64.
 * By hand: https://www.twilio.com/docs/usage/security#validating-requests
 */
async function sign(authToken: string, url: string, fields: Fields): Promise<string> {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const names = Object.keys(fields).toSorted();
  const key = await crypto.subtle.importKey(
    "raw",
    bytes(authToken),
    { name: "HMAC", hash: "SHA-1" },
    false,
    ["sign"],
  );
  const message = url + names.map((name) => name + fields[name]).join("");
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(message))).toBase64();
}

function newMessageSid(): string {
  return `SM${crypto.randomUUID().replaceAll("-", "")}`;
}
