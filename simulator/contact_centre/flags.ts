import { parseArgs } from "node:util";
import { UsageError } from "../kit/program.ts";
import type { AgentCredentials } from "./agents.ts";
import type { CometdOptions } from "./cometd_view.ts";
import type { NewSession } from "./new_session.ts";
import type { ContactCentreOptions } from "./server.ts";

export const HELP =
  `A simulated contact centre: the SMS Session API of Web Services 8.5.2 with its CometD notifications, in memory, on
loopback, to test your own code against.

  deno task simulate [flags]

  --port N                     where to listen (default 8090; 0: any free port)
  --agent NAME[:PASSWORD]      who may sign in; may be given again (default john.doe:john, jane.roe:jane, max.moe:max)
  --anyone                     let anybody in: the agent is the Basic user name or a bearer token's sub, unverified
  --accept-any                 every Accept is let in, of whatever session: one that nobody has added appears
  --csrf                       writes, CometD's too, need the CSRF token
  --session ID[=PHONE]         a waiting session, and the customer's number; may be given again
  --documented-accept DIR      also the two sessions of the published Accept sample (simulator/contact_centre/samples)
  --cometd-path PATH           default /api/v2/notifications
  --cometd-channel CHANNEL     where notifications of SMS sessions go (default /v2/me/smssessions)
  --cometd-timeout-ms N        how long a connect is held (default 30000)
  --cometd-interval-ms N       how long a client is to wait between connects (default 0)
  --cometd-max-interval-ms N   how long a session lives without a connect (default 10000)
  --handshake-refusal MODE     http (default): status 401; bayeux: a handshake reply with the advice none
  --notify-url URL             also post every notification there, such as http://127.0.0.1:8000/ingress/notifications
  --notify-token TOKEN         bearer token for that
  --refusal-http-status MODE   mapped (default) or 200: the HTTP status of refusals
  --messages-behind-ms N       how far the clock of messages is behind that of the Date header (default 0)
  --lenient-names              OPERATIONNAME and "accept " are understood too
  --help                       this text

It prints its agents, then each request and each notification, and stops on SIGINT or SIGTERM. Sessions, a customer who
writes, dropped sessions, failures and faults come from /control; docs/simulator.md has all of it.`;

const DEFAULT_AGENTS = ["john.doe:john", "jane.roe:jane", "max.moe:max"];

/** What the command line asks for. */
export interface ContactCentreFlags {
  readonly port: string;
  readonly options: ContactCentreOptions;
  readonly sessions: readonly NewSession[];
  readonly documentedAccept: string | undefined;
}

/** Reads the command line; null: it asks for help. Throws a UsageError for what cannot be used. */
export function readFlags(args: readonly string[]): ContactCentreFlags | null {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "8090" },
      agent: { type: "string", multiple: true, default: DEFAULT_AGENTS },
      anyone: { type: "boolean", default: false },
      "accept-any": { type: "boolean", default: false },
      csrf: { type: "boolean", default: false },
      session: { type: "string", multiple: true, default: [] },
      "documented-accept": { type: "string" },
      "cometd-path": { type: "string", default: "/api/v2/notifications" },
      "cometd-channel": { type: "string", default: "/v2/me/smssessions" },
      "cometd-timeout-ms": { type: "string", default: "30000" },
      "cometd-interval-ms": { type: "string", default: "0" },
      "cometd-max-interval-ms": { type: "string", default: "10000" },
      "handshake-refusal": { type: "string", default: "http" },
      "notify-url": { type: "string" },
      "notify-token": { type: "string" },
      "refusal-http-status": { type: "string", default: "mapped" },
      "messages-behind-ms": { type: "string", default: "0" },
      "lenient-names": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) return null;
  const cometd: CometdOptions = {
    path: readPath("--cometd-path", flags["cometd-path"]),
    channel: readPath("--cometd-channel", flags["cometd-channel"]),
    timeoutMs: readMs("--cometd-timeout-ms", flags["cometd-timeout-ms"]),
    intervalMs: readMs("--cometd-interval-ms", flags["cometd-interval-ms"]),
    maxIntervalMs: readMs("--cometd-max-interval-ms", flags["cometd-max-interval-ms"]),
    handshakeRefusal: readChoice("--handshake-refusal", flags["handshake-refusal"], [
      "http",
      "bayeux",
    ]),
  };
  return {
    port: flags.port,
    options: {
      ...(flags.anyone ? {} : { agents: flags.agent.map(readAgent) }),
      acceptsAny: flags["accept-any"],
      csrf: flags.csrf,
      cometd,
      refusalHttpStatus: readChoice("--refusal-http-status", flags["refusal-http-status"], [
        "mapped",
        "200",
      ]),
      lenientNames: flags["lenient-names"],
      timestamps: { behindMs: readMs("--messages-behind-ms", flags["messages-behind-ms"]) },
      ...readIngress(flags["notify-url"], flags["notify-token"]),
    },
    sessions: flags.session.map(readSession),
    documentedAccept: flags["documented-accept"],
  };
}

function readChoice<const Choice extends string>(
  flag: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`Cannot use ${flag} ${text}: expected ${choices.join(" or ")}`);
}

function readMs(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`Cannot use ${flag} ${text}: expected milliseconds, an integer from 0`);
}

function readPath(flag: string, text: string): string {
  if (/^(\/[\w.~-]+)+$/.test(text)) return text;
  throw new UsageError(`Cannot use ${flag} ${text}: expected a path such as /v2/notifications`);
}

function readAgent(text: string): AgentCredentials {
  const [, agentId, password = ""] = /^([^:]+)(?::(.*))?$/.exec(text) ?? [];
  if (agentId !== undefined) return { agentId, password };
  throw new UsageError(`Cannot use --agent ${text}: expected NAME or NAME:PASSWORD`);
}

function readIngress(
  url: string | undefined,
  token: string | undefined,
): Pick<ContactCentreOptions, "ingress"> {
  if (url === undefined) return {};
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw new UsageError(`Cannot use --notify-url ${url}: expected an http or https URL`);
  }
  return { ingress: { url, ...(token === undefined ? {} : { token }) } };
}

function readSession(text: string): NewSession {
  const [id = "", phone] = text.split("=", 2);
  if (id === "") throw new UsageError(`Cannot use --session ${text}: expected ID or ID=PHONE`);
  const nickname = phone ?? "Customer";
  return { id, customer: { nickname, ...(phone === undefined ? {} : { phone }) } };
}
