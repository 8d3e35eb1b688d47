import { API_ROOT } from "../dialect/paths.ts";
import type { Ids } from "../../support/ids.ts";
import type { UpstreamAnswer } from "./call.ts";
import type { Upstream } from "./upstream.ts";

/** A GET on an agent's behalf, which no client of ours waits for. */
export interface AgentGetRequest {
  readonly agentId: string;
  /** As the agent's client last sent it; used in mode `forward` alone. */
  readonly authorization: string | null;
  /** Below `/api/v2`, as `contact_centre/dialect/paths.ts` makes them. */
  readonly path: string;
  readonly search?: string;
  readonly signal: AbortSignal;
}

/** Throws what `Upstream.call` throws. */
export type AgentGet = (request: AgentGetRequest) => Promise<UpstreamAnswer>;

/** An {@link AgentGet} over the client of upstream, whose cookies and tokens it thereby shares. */
export function createAgentGet(
  { upstream, ids }: { readonly upstream: Upstream; readonly ids: Pick<Ids, "token"> },
): AgentGet {
  return ({ agentId, authorization, path, search = "", signal }) =>
    upstream.call({
      agentId,
      method: "GET",
      path: API_ROOT + path,
      search,
      untrustedHeaders: new Headers({ accept: "application/json" }),
      body: null,
      requestId: ids.token(),
      clientIp: null,
      forwardedProto: "http",
      forwardedHost: null,
      authorization,
      authorizationExpiresAtMs: null,
      signal,
    });
}
