import type { Context } from "hono";
import type { AppEnv } from "./app_env.ts";

/** The addresses of RFC 1122 §3.2.1.3 and RFC 4291 §2.5.3, and the first ones written as IPv6 (§2.5.5.2). */
const LOOPBACK = /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/i;

/** What proxies add to a request (RFC 7239, RFC 9110 §7.6.3, and what came before them). */
const FORWARDING_HEADERS = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
] as const;

/**
 * Whether a request comes from a program on this machine. One that a proxy has passed on does not, however near the proxy:
 * behind a proxy on this machine everybody seems to be.
 */
export function isLocal(c: Context<AppEnv>): boolean {
  return LOOPBACK.test(c.get("clientIp") ?? "") &&
    FORWARDING_HEADERS.every((name) => c.req.header(name) === undefined);
}
