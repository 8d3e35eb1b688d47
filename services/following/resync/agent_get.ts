import { API_ROOT } from "../../contact_centre/dialect/paths.ts";
import type { Ids } from "../../support/ids.ts";
import type { Upstream, UpstreamAnswer } from "../../contact_centre/rest/upstream.ts";

/** Asks upstream something on an agent's behalf, without a client who waits for it. Throws what `Upstream.call` throws. */
export type Inquire = (
  inquiry: {
    readonly agentId: string;
    /** As the agent's client last sent it, in mode `forward`. */
    readonly authorization: string | null;
    /** Below `/api/v2`, as `contact_centre/dialect/paths.ts` makes them. */
    readonly path: string;
    readonly search?: string;
    readonly signal: AbortSignal;
  },
) => Promise<UpstreamAnswer>;

/** An {@link Inquire} over the client of upstream, whose cookies and tokens it thereby shares. */
export function createInquiry(
  { upstream, ids }: { readonly upstream: Upstream; readonly ids: Pick<Ids, "token"> },
): Inquire {
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
