import { createHmac } from "node:crypto";

export const ACCOUNT_SID = `AC${"0123456789abcdef".repeat(2)}`;
export const AUTH_TOKEN = "a token of the account";
export const OWN_NUMBER = "+15550100000";
export const CUSTOMER = "+16501110001";

/** Signs as Twilio's page on security says, by hand: the URL, then each field's name and value in the order of names. */
export function signature(
  url: string,
  fields: Readonly<Record<string, string>>,
  token: string = AUTH_TOKEN,
): string {
  const signed = Object.keys(fields).sort().reduce((text, name) => text + name + fields[name], url);
  return createHmac("sha1", token).update(signed).digest("base64");
}

let sids = 0;

/** A MessageSid that no other call gives. */
export function messageSid(): string {
  sids++;
  return `SM${sids.toString(16).padStart(32, "0")}`;
}

/** The fields of a customer's text; `change` sets what a test is about, and takes out what it sets to undefined. */
export function inboundFields(
  change: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const fields = {
    ToCountry: "US",
    AccountSid: ACCOUNT_SID,
    ApiVersion: "2010-04-01",
    Body: "Where is my order?",
    From: CUSTOMER,
    MessageSid: messageSid(),
    NumMedia: "0",
    NumSegments: "1",
    SmsStatus: "received",
    To: OWN_NUMBER,
    ...change,
  };
  return given({ SmsMessageSid: fields.MessageSid, SmsSid: fields.MessageSid, ...fields });
}

/** The fields of a report on a text of ours. */
export function statusFields(
  change: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const fields = {
    AccountSid: ACCOUNT_SID,
    ApiVersion: "2010-04-01",
    From: OWN_NUMBER,
    MessageSid: `SM${"a".repeat(32)}`,
    MessageStatus: "delivered",
    To: CUSTOMER,
    ...change,
  };
  return given({ SmsSid: fields.MessageSid, SmsStatus: fields.MessageStatus, ...fields });
}

function given(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
