import { readPort, runProgram, say } from "../kit/program.ts";
import { controlRoutes } from "./control_routes.ts";
import { type ContactCentreFlags, HELP, readFlags } from "./flags.ts";
import { startContactCentre } from "./server.ts";
import type { ContactCentre } from "./contact_centre.ts";

async function start(args: readonly string[]): Promise<ContactCentre | null> {
  const flags = readFlags(args);
  if (flags === null) {
    say(HELP);
    return null;
  }
  const centre = await startContactCentre({
    ...flags.options,
    port: readPort(flags.port),
    control: true,
    notify: ({ notificationType }, { agentId }) =>
      say(`notification ${notificationType} for ${agentId ?? "everybody"}`),
    onRequest: ({ method, path }) => say(`request ${method} ${path}`),
  });
  if (flags.documentedAccept !== undefined) {
    await centre.playDocumentedAccept(flags.documentedAccept);
  }
  for (const session of flags.sessions) centre.addSession(session);
  introduce(centre, flags);
  return centre;
}

function introduce(centre: ContactCentre, { options }: ContactCentreFlags): void {
  const { url, cometd, sessions } = centre;
  say(`contact centre listening on ${url}`);
  say(`CometD at ${url}${cometd.path}`);
  if (options.agents === undefined) say("agents: whoever the credentials name, unverified");
  for (const { agentId, password = "" } of options.agents ?? []) {
    say(`agent ${agentId}, password ${password === "" ? "(empty)" : password}`);
  }
  for (const { id } of sessions) say(`session ${id} waits`);
  say("control (docs/simulator.md):");
  for (const { method, path } of controlRoutes(centre).routes) {
    say(`  ${method} ${url}/control${path === "/" ? "" : path}`);
  }
  const agentId = options.agents?.[0]?.agentId ?? "john.doe";
  say(`such as: curl ${url}/control/sessions -d '{"phone":"+12025550123","agentId":"${agentId}"}'`);
}

if (import.meta.main) await runProgram(start);
