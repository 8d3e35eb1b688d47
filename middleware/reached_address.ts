import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app_env.ts";

/**
 * Sets `reachedAt`. A proxy in front of us that ends TLS asks for us over http and often under another name; only what it
 * tells in `x-forwarded-proto` and `x-forwarded-host` says how the client asked. Without proxies of ours
 * (`TRUST_PROXY_HOPS=0`) these are a client's own claim, and count for nothing.
 */
export function reachedAddress(
  { trustProxyHops }: { readonly trustProxyHops: number },
): MiddlewareHandler<AppEnv> {
  return async function reachedAddress(c, next) {
    const url = URL.parse(c.req.raw.url);
    const told = (name: string) => forwardedValue(c.req.header(name), trustProxyHops);
    const proto = told("x-forwarded-proto")?.toLowerCase() ?? "";
    const host = told("x-forwarded-host") ?? "";
    c.set("reachedAt", {
      proto: PROTO.test(proto) ? proto : url?.protocol.slice(0, -1) ?? "http",
      host: HOST.test(host) ? host : url?.host ?? null,
    });
    await next();
  };
}

const PROTO = /^https?$/;

/** RFC 9110 §7.2: a name or an address, and perhaps a port. */
const HOST = /^([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i;

/**
 * What the outermost of our proxies told; null without one. Proxies that append leave one entry each, so that it is as
 * many entries from the right as there are proxies; those that overwrite, or only fill in what is absent, leave fewer, of which the
 * first is the outermost one's.
 */
export function forwardedValue(untrustedHeader: string | undefined, hops: number): string | null {
  if (untrustedHeader === undefined || hops === 0) return null;
  const entries = untrustedHeader.split(",").map((entry) => entry.trim());
  return entries.at(-Math.min(hops, entries.length)) ?? null;
}
