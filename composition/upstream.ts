import type { Config } from "../services/config/config.ts";
import type { Sealer } from "../services/sealing/secrets.ts";
import type { RecordStore } from "../services/store/port/records.ts";
import { type AgentLinks, createAgentLinks } from "../services/contact_centre/rest/agent_links.ts";
import { openUpstreamConnections } from "../services/contact_centre/rest/connections.ts";
import {
  createUpstreamCredentials,
  type UpstreamCredentials,
} from "../services/contact_centre/rest/credentials.ts";
import { createUpstream, type Upstream } from "../services/contact_centre/rest/upstream.ts";
import {
  createCredentialVault,
  type CredentialVault,
} from "../services/contact_centre/rest/vault.ts";
import type { Environment } from "./environment.ts";

/** The contact centre, and what its client shares with the one that follows notifications. */
export interface UpstreamParts {
  readonly upstream: Upstream;
  readonly credentials: UpstreamCredentials;
  readonly links: AgentLinks;
  /** Null unless agents keep credentials of their own here. */
  readonly vault: CredentialVault | null;
  close(): void;
}

/** The client of the contact centre. `onCredentialsChanged` hears which agent has other ones, or none any more. */
export function composeUpstream(
  { upstream: settings, tracedByPlatform }: Config,
  { clock, log, fetch }: Environment,
  { records, sealer, onCredentialsChanged }: {
    readonly records: RecordStore;
    readonly sealer: Sealer;
    readonly onCredentialsChanged: (
      agentId: string,
      where: "here" | "elsewhere",
    ) => Promise<void>;
  },
): UpstreamParts {
  const { auth, url } = settings;
  const links = createAgentLinks({ url, mode: auth.mode });
  const vault = auth.mode === "vault"
    ? createCredentialVault({
      records,
      sealer,
      clock,
      log,
      async onChanged(agentId, where) {
        links.forget(agentId);
        await onCredentialsChanged(agentId, where);
      },
    })
    : null;
  const credentials = createUpstreamCredentials({ auth, vault });
  const connections = openUpstreamConnections({ fetch });
  const upstream = createUpstream({
    ...settings,
    credentials,
    links,
    tracedByPlatform,
    fetch: connections.fetch,
    clock,
  });
  return { upstream, credentials, links, vault, close: connections.close };
}
