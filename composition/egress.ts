import type { Config } from "../services/config/config.ts";
import { parseEgressAllow } from "../services/egress/egress.ts";
import { createEgressGuard, type EgressGuard } from "../services/egress/guard.ts";
import { createHttpClient, type HttpClient } from "../services/http/client.ts";
import { createConnector } from "../services/http/connector.ts";
import { createResolver } from "../services/http/resolver.ts";
import { createTunnelConnector } from "../services/http/tunnel.ts";
import type { Environment } from "./environment.ts";

/** Whoever waits to have a webhook registered waits no longer than this for the resolver. */
const SOON_MS = 2_000;

/** The way out to webhooks: who judges where it leads, and the client that goes nowhere else. */
export interface Egress {
  readonly guard: EgressGuard;
  readonly client: HttpClient;
}

export async function composeEgress(
  { webhooks: { egressAllow, egressProxy } }: Config,
  { clock, network: { lookup, dialler } }: Environment,
): Promise<Egress> {
  const resolve = createResolver({ lookup, clock });
  const guard = createEgressGuard({
    allow: await parseEgressAllow(egressAllow),
    resolve,
    resolveSoon: createResolver({ lookup, clock, timeoutMs: SOON_MS }),
  });
  const connect = egressProxy === null
    ? createConnector({ addressesOf: guard.addressesOf, dialler, clock })
    : createTunnelConnector({
      proxy: egressProxy,
      resolve,
      hostsOf: guard.hostsOf,
      dialler,
      clock,
    });
  return { guard, client: createHttpClient({ connect, clock }) };
}
