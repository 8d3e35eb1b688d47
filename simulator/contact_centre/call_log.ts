import type { MiddlewareHandler } from "hono";
import type { Inbox, InboxOwner } from "../kit/inbox.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { AgentDirectory } from "./agents.ts";
import type { CentreEnv } from "./route_context.ts";

/** A request with what became of it. */
export interface Call extends RecordedRequest {
  /** Whom the credentials or the cookie name, proved or not; null: nobody. */
  readonly agentId: string | null;
  /** What was asked for: the body's `operationName`, or the channel of each CometD message. */
  readonly operations: readonly string[];
  /** Of the answer; null: the client had gone by then, or was cut off. */
  readonly status: number | null;
}

/** Which calls are looked for: those that have all of these. */
export interface CallFilter {
  readonly agentId?: string | undefined;
  /** One of its operations. */
  readonly operation?: string | undefined;
  /** A part of its path. */
  readonly path?: string | undefined;
  readonly status?: number | undefined;
}

/** Writes down each call at the moment at which it is answered. */
export function logCalls(
  { calls, readBody, directory }: {
    readonly calls: InboxOwner<Call>;
    readonly readBody: (untrustedText: string) => unknown;
    readonly directory: Pick<AgentDirectory, "claimedBy">;
  },
): MiddlewareHandler<CentreEnv> {
  return async function logCall(c, next) {
    await next();
    const recorded = c.get("recorded");
    // Where a fault came first nobody has looked who calls.
    const agentId = c.get("claimedAgentId") ??
      directory.claimedBy(recorded.headers.get("authorization") ?? "");
    calls.add({
      ...recorded,
      agentId,
      operations: operationsIn(readBody(recorded.body)),
      status: c.req.raw.signal.aborted ? null : c.res.status,
    });
  };
}

/** The calls so far that the filter lets through. */
export function selectCalls({ items }: Inbox<Call>, wanted: CallFilter): readonly Call[] {
  const { agentId, operation, path, status } = wanted;
  return items.filter((call) =>
    (agentId === undefined || call.agentId === agentId) &&
    (operation === undefined || call.operations.includes(operation)) &&
    (path === undefined || call.path.includes(path)) &&
    (status === undefined || call.status === status)
  );
}

function operationsIn(untrustedBody: unknown): readonly string[] {
  const bodies: readonly unknown[] = [untrustedBody].flat();
  return bodies.flatMap((body) => {
    const { operationName, channel } = Object(body);
    return [operationName, channel].filter((name) => typeof name === "string");
  });
}
