import type { Parser } from "./parsers.ts";

/** The origin of an HTTP service. Operator-set, so plain http and any address are allowed (DESIGN §4). */
export const httpOrigin: Parser<URL> = {
  expected: "an http or https origin such as https://host.example, without path or credentials",
  parse(text) {
    const url = parseHttpUrl(text);
    return url?.pathname === "/" && !/[?#]/.test(text) ? url : undefined;
  },
};

/** The same, with what was typed: others may have been given the address in that very writing. */
export const typedOrigin: Parser<{ readonly url: URL; readonly typed: string }> = {
  expected: httpOrigin.expected,
  parse(text) {
    const url = httpOrigin.parse(text);
    return url === undefined ? undefined : { url, typed: text };
  },
};

/** The origin of web pages, as browsers write it (Fetch standard, `Origin`): nothing that stands for several, and not `null`. */
export const pageOrigin: Parser<string> = {
  expected: "an origin such as https://desktop.example, exactly: neither * nor null",
  parse(text) {
    const url = httpOrigin.parse(text);
    const host = url?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
    return isPlainHost(host) || isIpv6(host) ? url?.origin : undefined;
  },
};

/** The address of an HTTP resource; `query` says whether it may have one. */
export function httpUrl({ query }: { readonly query: boolean }): Parser<URL> {
  return {
    expected: `an http or https URL without credentials${query ? "" : ", query"} or fragment`,
    parse(text) {
      const url = parseHttpUrl(text);
      return text.includes("#") || (!query && text.includes("?")) ? undefined : url;
    },
  };
}

/** A path below an origin, as it goes into the request line. */
export const absolutePath: Parser<string> = {
  expected: "a path such as /api/v2/notifications, without query or fragment",
  parse(text) {
    // What the URL parser would change (WHATWG URL §4.4: dots, backslashes, blanks) would reach upstream otherwise.
    // Resolved against an origin, a second slash in front would make a host of what follows.
    const url = /^\/(?!\/)[^?#]*$/.test(text) ? URL.parse(text, "http://host.invalid") : null;
    return url?.pathname === text ? text : undefined;
  },
};

/** Where a Redis or Valkey is; credentials and a database number may be part of it. */
export const redisUrl: Parser<URL> = {
  expected: "redis:// or rediss:// with a host, such as rediss://user:password@host.example:6379/0",
  parse(text) {
    const url = URL.parse(text);
    if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "") return undefined;
    const extras = url.search !== "" || url.hash !== "" || !/^(\/\d*)?$/.test(url.pathname);
    return extras ? undefined : url;
  },
};

/** A proxy that is asked by CONNECT; credentials may be part of its address. */
export const proxyUrl: Parser<URL> = {
  expected: "http:// or https:// with a host, such as http://user:password@proxy.example:3128",
  parse(text) {
    const url = /^https?:\/\//i.test(text) && !/[\s\p{Cc}\\?#]/u.test(text)
      ? URL.parse(text)
      : null;
    if (url === null || url.pathname !== "/") return undefined;
    try {
      // Basic credentials are parted by the first colon (RFC 7617 §2), so a user has none.
      const user = decodeURIComponent(url.username);
      return user.includes(":") || /\p{Cc}/u.test(user + decodeURIComponent(url.password))
        ? undefined
        : url;
    } catch {
      return undefined;
    }
  },
};

/** An address or name to listen on; IPv6 without brackets, as `Deno.serve` takes it. */
export const listenHost: Parser<string> = {
  expected: "an IP address or host name such as 0.0.0.0, :: or localhost",
  parse: (text) => (isIpv6(text) || isPlainHost(text) ? text : undefined),
};

/** One entry of EGRESS_ALLOW in lower case: `10.0.0.0/8`, `fd00::1`, `hooks.example` or `*.example`. */
export const egressEntry: Parser<string> = {
  expected: "a CIDR, an address, a host name or *.suffix",
  parse(text) {
    const entry = text.toLowerCase();
    const [address = "", bits, ...more] = entry.split("/");
    if (more.length > 0) return undefined;
    if (bits === undefined) {
      const known = isIpv6(address) || isPlainHost(address.replace(/^\*\.(?![\d.]+$)/, ""));
      return known ? entry : undefined;
    }
    const longest = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
    return /^\d{1,3}$/.test(bits) && Number(bits) <= longest ? entry : undefined;
  },
};

function parseHttpUrl(untrustedText: string): URL | undefined {
  // The parser would drop these silently (WHATWG URL §4.4), and "https:host" would gain its slashes.
  if (/[\s\p{Cc}\\]/u.test(untrustedText) || !/^https?:\/\//i.test(untrustedText)) return undefined;
  const url = URL.parse(untrustedText);
  // An "@" before the path is userinfo, even an empty one that the parser leaves out.
  const authority = untrustedText.split(/[/?#]/)[2] ?? "";
  return url === null || authority === "" || authority.includes("@") ? undefined : url;
}

/** A host that the URL parser leaves as it is: so neither `0x7f.1` nor a name with a stray character. */
function isPlainHost(untrustedText: string): boolean {
  const labels = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;
  const host = untrustedText.toLowerCase();
  return host.length <= 253 && labels.test(host) && URL.parse(`http://${host}/`)?.hostname === host;
}

function isIpv4(untrustedText: string): boolean {
  return /^[\d.]+$/.test(untrustedText) && isPlainHost(untrustedText);
}

function isIpv6(untrustedText: string): boolean {
  return /^[0-9a-f:.]+$/i.test(untrustedText) && untrustedText.includes(":") &&
    URL.canParse(`http://[${untrustedText}]/`);
}
