import { parseArgs } from "node:util";
import { readPort, runProgram, say, UsageError } from "../kit/program.ts";
import type { NewSession } from "./control.ts";
import type { RefusalHttpStatus } from "./refusals.ts";
import { type ContactCentre, startContactCentre } from "./server.ts";

const HELP =
  `A simulated contact centre: the SMS Session API of Web Services 8.5.2, in memory, on loopback.

  deno run -A tests/simulator/contact_centre/main.ts [flags]

  --port N                   where to listen (default 0: any free port)
  --session ID[=PHONE]       a waiting session, and the customer's number; may be given again
  --documented-accept DIR    also the two sessions of the published Accept sample (tests/fixtures/seed)
  --notify-url URL           post every notification there, such as http://127.0.0.1:8000/ingress/notifications
  --notify-token TOKEN       bearer token for that
  --refusal-http-status MODE mapped (default) or 200: the HTTP status of refusals
  --help                     this text

Any Authorization header will do: the agent is a bearer token's sub, unverified, or the Basic user name.
It prints each request and each notification, and stops on SIGINT or SIGTERM.`;

async function start(args: readonly string[]): Promise<ContactCentre | null> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "0" },
      session: { type: "string", multiple: true, default: [] },
      "documented-accept": { type: "string" },
      "notify-url": { type: "string" },
      "notify-token": { type: "string" },
      "refusal-http-status": { type: "string", default: "mapped" },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) {
    say(HELP);
    return null;
  }
  const url = flags["notify-url"];
  const token = flags["notify-token"];
  const sessions = flags.session.map(readSession);
  const centre = await startContactCentre({
    port: readPort(flags.port),
    refusalHttpStatus: readRefusalHttpStatus(flags["refusal-http-status"]),
    ...(url === undefined
      ? {}
      : { ingress: { url: readUrl(url), ...(token === undefined ? {} : { token }) } }),
    notify: ({ notificationType }, { agentId }) =>
      say(`notification ${notificationType} for ${agentId ?? "nobody in particular"}`),
    onRequest: ({ method, path }) => say(`request ${method} ${path}`),
  });
  const sample = flags["documented-accept"];
  if (sample !== undefined) await centre.playDocumentedAccept(sample);
  for (const session of sessions) centre.addSession(session);
  say(`contact centre listening on ${centre.url}`);
  return centre;
}

function readUrl(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) {
    throw new UsageError(`Cannot use --notify-url ${text}: expected an http or https URL`);
  }
  return text;
}

function readRefusalHttpStatus(text: string): RefusalHttpStatus {
  if (text === "mapped" || text === "200") return text;
  throw new UsageError(`Cannot use --refusal-http-status ${text}: expected mapped or 200`);
}

function readSession(text: string): NewSession {
  const [id = "", phone] = text.split("=", 2);
  if (id === "") throw new UsageError(`Cannot use --session ${text}: expected ID or ID=PHONE`);
  const nickname = phone ?? "Customer";
  return { id, customer: { nickname, ...(phone === undefined ? {} : { phone }) } };
}

if (import.meta.main) await runProgram(start);
