/** A client of the simulated Twilio's REST API. */
import * as v from "valibot";
import type { Twilio } from "../../../simulator/twilio/twilio.ts";

const messageSchema = v.looseObject({
  sid: v.string(),
  status: v.string(),
  direction: v.string(),
  to: v.string(),
  from: v.nullable(v.string()),
  body: v.string(),
  num_segments: v.string(),
  date_created: v.string(),
  uri: v.string(),
});
const errorSchema = v.strictObject({
  code: v.number(),
  message: v.string(),
  more_info: v.string(),
  status: v.number(),
});
const pageSchema = v.looseObject({
  messages: v.array(messageSchema),
  next_page_uri: v.nullable(v.string()),
  page: v.number(),
  page_size: v.number(),
});

export type Sent = v.InferOutput<typeof messageSchema>;
export type Page = v.InferOutput<typeof pageSchema>;
export type Refused = v.InferOutput<typeof errorSchema>;

export const FROM = "+15005550006";
export const TO = "+12025550123";

export interface CallOptions {
  /** Null: none. By default the account's own. */
  readonly credentials?: readonly [sid: string, token: string] | null;
  readonly signal?: AbortSignal;
}

/** A request by path from the account's address on. */
export function call(
  { url, accountSid, authToken }: Twilio,
  method: string,
  path: string,
  form: Readonly<Record<string, string>> | null = null,
  { credentials = [accountSid, authToken], signal }: CallOptions = {},
): Promise<Response> {
  return fetch(`${url}/2010-04-01/Accounts/${accountSid}${path}`, {
    method,
    headers: credentials === null ? {} : { authorization: `Basic ${btoa(credentials.join(":"))}` },
    ...(form === null ? {} : { body: new URLSearchParams(form) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Posts a message; by default one that is good. */
export function post(
  twilio: Twilio,
  form: Readonly<Record<string, string>> = {},
  options: CallOptions = {},
): Promise<Response> {
  return call(
    twilio,
    "POST",
    "/Messages.json",
    { From: FROM, To: TO, Body: "Hi", ...form },
    options,
  );
}

/** Posts a message that is to be taken. */
export async function postGood(
  twilio: Twilio,
  form: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  const response = await post(twilio, form);
  return v.parse(messageSchema, await response.json());
}

/** The body of a refusal, which has nothing but the documented members. */
export async function readRefusal(response: Response): Promise<Refused> {
  return v.parse(errorSchema, await response.json());
}

export async function readMessage(response: Response): Promise<Sent> {
  return v.parse(messageSchema, await response.json());
}

/** A page of messages. `query` starts with `?` or is empty. */
export async function list(twilio: Twilio, query = ""): Promise<Page> {
  const response = await call(twilio, "GET", `/Messages.json${query}`);
  return v.parse(pageSchema, await response.json());
}
