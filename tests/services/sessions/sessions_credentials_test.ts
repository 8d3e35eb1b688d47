import { UNNOTICED } from "../../../services/sessions/work_signals.ts";
import assert from "node:assert/strict";
import { createIds } from "../../../services/support/ids.ts";
import { StoreUnavailable } from "../../../services/errors.ts";
import { composePublisher } from "../../../composition/publisher.ts";
import { readOperation } from "../../../services/contact_centre/dialect/operations.ts";
import { createSealer } from "../../../services/sealing/secrets.ts";
import { createSessionService } from "../../../services/sessions/sessions.ts";
import { openSqliteStore } from "../../../services/store/sqlite/store.ts";
import { NoUpstreamCredentials } from "../../../services/contact_centre/rest/credentials.ts";
import { createAgentGet } from "../../../services/contact_centre/rest/agent_get.ts";
import { createSessionLook } from "../../../services/contact_centre/rest/session_look.ts";
import { createUpstream } from "../../../services/contact_centre/rest/upstream.ts";
import { createMemoryLog } from "../../support/memory_log.ts";
import { startContactCentre } from "../../../simulator/contact_centre/server.ts";
import { aRequest } from "../../support/upstream_request.ts";
import { createVirtualClock } from "../../support/virtual_clock.ts";

for (
  const error of [new NoUpstreamCredentials("none left"), new StoreUnavailable("read a record")]
) {
  Deno.test(`an Accept that ends in ${error.name} leaves the session to the next agent`, async () => {
    const policy = { sessionTtlMs: 86_400_000, eventRetentionMs: 604_800_000 };
    const store = openSqliteStore({ path: ":memory:", sync: "normal", policy });
    const centre = await startContactCentre({ acceptsAny: true });
    const clock = createVirtualClock();
    const [log, ids] = [createMemoryLog(), createIds()];
    const upstream = createUpstream({
      url: new URL(centre.url),
      auth: { mode: "vault" },
      credentials: {
        authorizationFor: (agentId) =>
          agentId === "agent-1"
            ? Promise.reject(error)
            : Promise.resolve(`Basic ${btoa("ada:kept")}`),
      },
      timeoutMs: 10_000,
      fetch,
      clock,
    });
    const publisher = composePublisher({
      store,
      clock,
      ids,
      log,
      smsEnabled: false,
      onPublished: () => {},
    });
    const sessions = createSessionService({
      store,
      sealer: createSealer(new Uint8Array(32)),
      upstream,
      look: createSessionLook({ ask: createAgentGet({ upstream, ids }), isShared: false }),
      isShared: false,
      needsToken: true,
      publisher,
      clock,
      ids,
      log,
      upstreamTimeoutMs: 10_000,
      workSignals: UNNOTICED,
    });
    const accept = (agentId: string) => {
      const operation = readOperation({ operationName: "Accept", nickname: agentId });
      assert.ok(operation.ok);
      const request = aRequest({ agentId });
      return sessions.accept({ agentId, sessionId: "session-1", operation, request });
    };
    try {
      await assert.rejects(accept("agent-1"), error);
      assert.equal((await accept("agent-2")).status, 200);
    } finally {
      await centre.close();
      await store.close();
    }
  });
}
