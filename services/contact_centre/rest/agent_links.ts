import type { HeadersView } from "../../http/headers_view.ts";
import type { CookieJar } from "tough-cookie";
import { CSRF_ANSWER_HEADERS } from "../dialect/csrf.ts";
import { createLruMap } from "../../support/lru_map.ts";
import type { UpstreamAuth } from "./credentials.ts";

/**
 * What ties an agent's requests to its HTTP session upstream: the cookies, and the CSRF token, which is created with
 * that session and lives as long (Genesys Web Services, API/CSRFProtection). REST and CometD go by the same link.
 */
export interface AgentLink {
  /**
   * What a request carries besides its credentials: `cookie` where there is one for that path, and the CSRF header on
   * methods that change data, once upstream has told a token.
   */
  headersFor(method: string, path: string): Headers;
  /**
   * Takes over what an answer tells: its cookies, and its CSRF token if both of the headers are there. `path` is the
   * request's. To be called with every answer, refusals included.
   *
   * `sentCookie` is the `cookie` that the request carried, null for none. A cookie that has changed here since the request
   * left stays as it is, and the answer's token is left out, as it belongs to another session: of requests that leave
   * together without a session each is given one of its own, and a held poll may be answered long after. Where it is not
   * given the answer counts as being of the present session.
   */
  adopt(path: string, answerHeaders: HeadersView, sentCookie?: string | null): Promise<void>;
}

/** The links of one instance. No two agents share one, except where all of them go upstream as one user. */
export interface AgentLinks {
  /**
   * The agent's link for requests with that `authorization`. Ask anew for each request, or, where requests belong together as
   * those of a CometD session do, once for all of them: a link that is held on to may not be the agent's any more.
   */
  of(agentId: string, authorization: string | null): AgentLink;
  /** Drops cookies and token; the agent's next request begins a new HTTP session. */
  forget(agentId: string): void;
}

export interface AgentLinksOptions {
  /** Where upstream is; cookies for other hosts are not taken. */
  readonly url: URL;
  /**
   * Who goes upstream, as that user's HTTP session hangs on the link. `basic`: one user for all, so one link for all.
   * `vault`: the user whom the credentials name, so a link ends with them. `forward`: the agent, with one token after
   * another.
   */
  readonly mode: UpstreamAuth["mode"];
  /** The least recently used link makes room; its agent merely begins a new HTTP session. */
  readonly maxLinks?: number;
}

/** A link with its cookies takes 1.3 KB. */
export const MAX_AGENT_LINKS = 10_000;

/** The one link's name where links are shared. */
const EVERYBODY = "";

/** Reading changes nothing and needs no token (Genesys Web Services, API/CSRFProtection: POST, PUT, DELETE). */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** RFC 9110 §5.6.2: what the name of a header is made of. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The links to one upstream, all of them empty. */
export function createAgentLinks(
  { url, mode, maxLinks = MAX_AGENT_LINKS }: AgentLinksOptions,
): AgentLinks {
  const links = createLruMap<string, { readonly link: AgentLink; readonly user: string }>(maxLinks);
  const keyOf = (agentId: string) => mode === "basic" ? EVERYBODY : agentId;

  return {
    of(agentId, authorization) {
      const key = keyOf(agentId);
      const user = mode === "vault" ? authorization ?? "" : "";
      const known = links.get(key);
      if (known?.user === user) return known.link;
      const link = createAgentLink(url);
      links.set(key, { link, user });
      return link;
    },
    forget: (agentId) => links.delete(keyOf(agentId)),
  };
}

function createAgentLink(url: URL): AgentLink {
  let jar: CookieJar | null = null;
  let csrf: { readonly name: string; readonly token: string } | null = null;
  const addressOf = (path: string) => new URL(path, url.origin).href;
  const cookieFor = (path: string) => jar?.getCookieStringSync(addressOf(path)) || null;

  return {
    headersFor(method, path) {
      const headers = new Headers();
      const cookie = cookieFor(path);
      if (cookie !== null) headers.set("cookie", cookie);
      if (csrf !== null && !SAFE_METHODS.has(method)) headers.set(csrf.name, csrf.token);
      return headers;
    },

    async adopt(path, answerHeaders, sentCookie) {
      const setCookies = answerHeaders.getSetCookie();
      // 23 ms, and an upstream that takes bearer tokens may never set a cookie. Nothing waits below this line: a request
      // that left with the cookies of one session and the token of another would be refused.
      const { CookieJar } = setCookies.length === 0 ? {} : await import("tough-cookie");
      if (CookieJar !== undefined) jar ??= new CookieJar();

      const present = cookieFor(path);
      const changed = changedCookies(sentCookie === undefined ? present : sentCookie, present);
      const comesLate = (setCookie: string) => changed.has(nameOf(setCookie));
      for (const untrustedCookie of setCookies) {
        if (comesLate(untrustedCookie)) continue;
        // A cookie that cannot be read, or is for another host, is left out as in a browser (RFC 6265 §5.3).
        jar?.setCookieSync(untrustedCookie, addressOf(path), { ignoreError: true });
      }
      if (setCookies.length === 0 ? changed.size > 0 : setCookies.some(comesLate)) return;
      const name = answerHeaders.get(CSRF_ANSWER_HEADERS.name);
      const token = answerHeaders.get(CSRF_ANSWER_HEADERS.token);
      if (name !== null && FIELD_NAME.test(name) && token) csrf = { name, token };
    },
  };
}

/** The names whose values two `cookie` headers do not share. */
function changedCookies(before: string | null, after: string | null): ReadonlySet<string> {
  const pairsOf = (cookie: string | null) => new Set(cookie?.split("; ") ?? []);
  return new Set([...pairsOf(before).symmetricDifference(pairsOf(after))].map(nameOf));
}

/** The name in front of a cookie's value, also in `set-cookie`. */
function nameOf(cookie: string): string {
  return cookie.split("=", 1)[0]?.trim() ?? "";
}
