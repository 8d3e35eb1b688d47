import { isIP } from "node:net";
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app_env.ts";

/**
 * Sets `clientIp` by the rule of `TRUST_PROXY_HOPS`: each of our proxies appends the address that it saw to
 * `x-forwarded-for`, so the entry that many from the right is the client, and everything left of it the client's own
 * claim. Without that entry, or when it is no address, it is the socket's peer.
 */
export function clientAddress(
  { trustProxyHops }: { readonly trustProxyHops: number },
): MiddlewareHandler<AppEnv> {
  if (!Number.isSafeInteger(trustProxyHops) || trustProxyHops < 0) {
    throw new RangeError(`Cannot trust ${trustProxyHops} proxies: expected 0 or more`);
  }
  return async function clientAddress(c, next) {
    const forwarded = forwardedAddress(c.req.header("x-forwarded-for"), trustProxyHops);
    c.set("clientIp", forwarded ?? socketPeer(c.env));
    await next();
  };
}

/** The entry `hops` from the right as a bare IP address; null when there is none. */
export function forwardedAddress(
  untrustedHeader: string | undefined,
  hops: number,
): string | null {
  if (untrustedHeader === undefined || hops === 0) return null;
  const entry = untrustedHeader.split(",").at(-hops)?.trim() ?? "";
  // Some proxies append the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ??
    /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
  return isIP(address) === 0 ? null : address;
}

/**
 * Whom an address belongs to, as far as it tells: an IPv6 address by its first 64 bits, as whoever has one has all of them
 * (RFC 4291 §2.5.1). Others, and what is none, as they are.
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6 || address.includes(".")) return address;
  const [head = [], tail = []] = address.split("::").map((part) =>
    part === "" ? [] : part.split(":")
  );
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].slice(0, 4).map((group) => parseInt(group, 16)).join(":");
}

/**
 * The peer, from what `Deno.serve` hands to the handler and the app passes on as its environment. Read here because
 * `getConnInfo` of `hono/deno` costs 12 ms at start (it brings the static site generator along), is deprecated, and
 * throws where there is no socket, as in `app.request()`.
 */
function socketPeer(environment: unknown): string | null {
  const peer = memberOf(environment, "remoteAddr");
  const hostname = memberOf(peer, "hostname"); // A Unix socket has a path instead.
  return typeof hostname === "string" ? hostname : null;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
