/** A contact centre that knows its agents: credentials, cookies, CSRF tokens, SMS sessions, and CometD beside them. */
import { createInbox, type Inbox } from "../../simulator/kit/inbox.ts";
import { type Bayeux, createBayeux } from "./bayeux_stand_in.ts";
import { serveStandIn } from "../support/stand_in.ts";

type Json = Readonly<Record<string, unknown>>;

/** A request that got past credentials and CSRF token. */
export interface Call {
  /** Who the credentials or the cookie say it is. */
  readonly user: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
  /** `operationName` of the body, if there is one. */
  readonly operation: string | null;
}

export interface GuardedOptions {
  /** User names and their passwords. Default: nobody has one. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** Whether writes need a CSRF token. Default: they do. */
  readonly csrf?: boolean;
  /** How many times as fast as real time the clock is of whom it speaks CometD with. Default: 1. */
  readonly hurry?: number;
}

export interface GuardedUpstream extends AsyncDisposable {
  readonly url: string;
  /** What was let in. */
  readonly calls: Inbox<Call>;
  /** What was not: `<status> <method> <path>`. */
  readonly refusals: readonly string[];
  readonly bayeux: Bayeux;
  passwords: Readonly<Record<string, string>>;
  /** Ends all HTTP sessions: cookies and CSRF tokens of before mean nothing any more. */
  forgetHttpSessions(): void;
  /** What this user has done so far, as `operationName`s. */
  operations(user: string): readonly string[];
  /** Adds a message to a session and tells those who hold it, if they are there to hear it. */
  say(sessionId: string, message: Json): void;
  /** Takes a session away without a word. */
  end(sessionId: string): void;
  /** Changes members of a session without a word. */
  change(sessionId: string, members: Json): void;
}

interface HttpSession {
  readonly user: string;
  readonly csrfToken: string;
}

interface SmsSession {
  readonly user: string;
  readonly messages: Json[];
  members: Json;
}

const ABSENT = { statusCode: 6, statusMessage: "Resource not found" };
const CSRF_HEADER = "X-CSRF-TOKEN";
/** Where CometD is: README, `COMETD_PATH`. */
const COMETD_PATH = "/api/v2/notifications";

export function startGuardedUpstream(options: GuardedOptions = {}): GuardedUpstream {
  const csrf = options.csrf ?? true;
  let passwords = options.passwords ?? {};
  const httpSessions = new Map<string, HttpSession>();
  const smsSessions = new Map<string, SmsSession>();
  const refusals: string[] = [];
  const calls = createInbox<Call>("call", {
    describe: ({ user, method, target, operation }) =>
      `${user}: ${method} ${target} ${operation ?? ""}`,
  });
  const bayeux = createBayeux(options);

  const server = serveStandIn(async (exchange) => {
    const { request } = exchange;
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const text = await request.text();
    const refuse = (status: number, body: BodyInit) => {
      refusals.push(`${status} ${method} ${pathname}`);
      return new Response(body, { status });
    };

    const user = userOf(headers, passwords) ?? sessionOf(headers)?.user;
    if (user === undefined) return refuse(401, `{"statusCode":20,"statusMessage":"Access denied"}`);
    const known = sessionOf(headers);
    const session = known?.user === user ? known : open(user);
    const cookie = known?.user === user ? {} : { "set-cookie": cookieOf(session) };
    if (csrf && method !== "GET" && headers.get(CSRF_HEADER) !== session.csrfToken) {
      return refuse(403, "Missing or invalid Csrf token");
    }
    const token = csrf ? { "x-csrf-header": CSRF_HEADER, [CSRF_HEADER]: session.csrfToken } : {};

    const operation = operationOf(text);
    const target = pathname + search;
    calls.add({ user, method, target, headers, operation });
    const answer = pathname.startsWith(COMETD_PATH)
      ? await bayeux.answer(user, text, exchange)
      : answerOf(act(user, method, pathname, search, operation));
    for (const [name, value] of Object.entries({ ...cookie, ...token })) {
      answer.headers.append(name, value);
    }
    return answer;
  });

  function sessionOf(headers: Headers): HttpSession | undefined {
    const id = /(?:^|;\s*)JSESSIONID=([^;]*)/.exec(headers.get("cookie") ?? "")?.[1];
    return id === undefined ? undefined : httpSessions.get(id);
  }

  function open(user: string): HttpSession {
    const session = { user, csrfToken: crypto.randomUUID() };
    httpSessions.set(crypto.randomUUID(), session);
    return session;
  }

  function cookieOf(session: HttpSession): string {
    const id = [...httpSessions].find(([, other]) => other === session)?.[0];
    return `JSESSIONID=${id}; Path=/; HttpOnly`;
  }

  /** The little of the SMS Session API that Patchbay's own requests need. */
  function act(
    user: string,
    method: string,
    path: string,
    search: string,
    operation: string | null,
  ): Json {
    const [, id = "", messages] = /\/smssessions\/([^/]+)(\/messages)?$/.exec(path) ?? [];
    const session = smsSessions.get(id);
    if (operation === "Accept") smsSessions.set(id, session ?? { user, messages: [], members: {} });
    if (operation === "Complete" || operation === "Leave") smsSessions.delete(id);
    if (method === "GET" && messages !== undefined && session !== undefined) {
      const from = Number(new URLSearchParams(search).get("startIndex") ?? 1);
      const asked = session.messages.filter(({ index }) => Number(index) >= from);
      return { statusCode: 0, messages: asked };
    }
    if (method === "GET" && path.endsWith("/smssessions")) {
      const own = [...smsSessions].filter(([, { user: holder }]) => holder === user);
      return { statusCode: 0, smssessions: own.map(([id]) => resourceOf(id)) };
    }
    if (method === "GET" && session !== undefined) {
      return { statusCode: 0, smssession: resourceOf(id) };
    }
    if (id !== "" && session === undefined && operation === null) return ABSENT;
    return method === "GET" ? { statusCode: 0, user: { userName: user } } : { statusCode: 0 };
  }

  function resourceOf(id: string): Json {
    const path = `/smssessions/${id}`;
    return {
      id,
      state: "Chatting",
      path,
      uri: `${server.origin}/api/v2${path}`,
      participants: [],
      ...smsSessions.get(id)?.members,
    };
  }

  return {
    url: server.origin,
    calls,
    refusals,
    bayeux,
    get passwords() {
      return passwords;
    },
    set passwords(next) {
      passwords = next;
    },
    forgetHttpSessions: () => httpSessions.clear(),
    operations: (user) =>
      calls.items.filter((call) => call.user === user).flatMap(({ operation }) => operation ?? []),
    say(sessionId, message) {
      const session = smsSessions.get(sessionId);
      if (session === undefined) {
        throw new Error(`Cannot speak in ${sessionId}: nobody accepted it`);
      }
      session.messages.push(message);
      bayeux.publish(session.user, {
        messageType: "MessageLogUpdated",
        notificationType: "NewMessages",
        messages: [message],
        smssessionPath: `/smssessions/${sessionId}`,
      });
    },
    end: (sessionId) => void smsSessions.delete(sessionId),
    change(sessionId, members) {
      const session = smsSessions.get(sessionId);
      if (session === undefined) {
        throw new Error(`Cannot change ${sessionId}: nobody accepted it`);
      }
      session.members = { ...session.members, ...members };
    },
    async [Symbol.asyncDispose]() {
      bayeux.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function answerOf(body: Json): Response {
  return Response.json(body, { status: body === ABSENT ? 404 : 200 });
}

/** Basic with the right password, or the `sub` of any bearer token. */
function userOf(headers: Headers, passwords: Readonly<Record<string, string>>): string | undefined {
  const [scheme = "", value = ""] = (headers.get("authorization") ?? "").split(" ");
  if (/^basic$/i.test(scheme)) {
    const [, user = "", password] = /^([^:]*):(.*)$/s.exec(atob(value)) ?? [];
    return passwords[user] === password ? user : undefined;
  }
  if (!/^bearer$/i.test(scheme)) return undefined;
  const payload = Uint8Array.fromBase64(value.split(".")[1] ?? "", { alphabet: "base64url" });
  const { sub } = JSON.parse(new TextDecoder().decode(payload));
  return typeof sub === "string" ? sub : undefined;
}

function operationOf(text: string): string | null {
  if (text === "") return null;
  const { operationName } = JSON.parse(text);
  return typeof operationName === "string" ? operationName : null;
}
