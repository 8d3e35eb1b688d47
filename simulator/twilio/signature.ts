import { createHmac } from "node:crypto";

/** A form as it is posted: each name with its value. */
export type Fields = Readonly<Record<string, string>>;

/**
 * The value of `X-Twilio-Signature`, as Twilio's page on security describes it
 * (https://www.twilio.com/docs/usage/security): HMAC-SHA1 under the auth token over the URL and, in the order of names,
 * each field's name and value with nothing between. Written out here rather than taken from the `twilio` package, which is
 * what the other side checks with. A fragment is not signed, user information is.
 */
export function sign(authToken: string, url: string, fields: Fields): string {
  const signed = Object.keys(fields).sort().reduce(
    (text, name) => text + name + fields[name],
    url.replace(/#.*$/s, ""),
  );
  return createHmac("sha1", authToken).update(signed, "utf8").digest("base64");
}
