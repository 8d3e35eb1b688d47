import { createHash, timingSafeEqual } from "node:crypto";
import type { Encoding } from "./answers.ts";
import { queryOf } from "./command_request.ts";

/** How the client wants to be answered. */
export type Format =
  | { readonly kind: "json"; readonly encoding: Encoding }
  | { readonly kind: "resp2" };

/** Reads `Upstash-Encoding` and `Upstash-Response-Format`; the documentation forbids other values and the pair of both. */
export function readFormat(headers: Headers): Format | { readonly error: string } {
  const encoding = headers.get("upstash-encoding")?.toLowerCase() ?? "";
  const format = headers.get("upstash-response-format")?.toLowerCase() ?? "json";
  if (encoding !== "" && encoding !== "base64") {
    return { error: "ERR Upstash-Encoding must be base64" };
  }
  if (format === "json") {
    return { kind: "json", encoding: encoding === "base64" ? "base64" : "text" };
  }
  if (format !== "resp2") return { error: "ERR Upstash-Response-Format must be json or resp2" };
  return encoding === "base64"
    ? { error: "ERR Upstash-Encoding is not permitted with Upstash-Response-Format resp2" }
    : { kind: "resp2" };
}

/** Whether the request carries the token, as a bearer token or as `?_token=`. */
export function isAuthorized(target: string, headers: Headers, token: string): boolean {
  const bearer = /^Bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const untrustedToken = bearer ?? queryOf(target).get("_token") ?? "";
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(untrustedToken), digest(token));
}
