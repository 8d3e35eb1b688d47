import type { Context } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import { EXPECTED_AGENT_ID, isAgentId } from "../services/auth/agent_id.ts";
import {
  EXPECTED_SESSION_ID,
  isAgentIdInPath,
  isSessionId,
} from "../services/contact_centre/dialect/ids.ts";
import { InvalidParameter, NotFound } from "../services/errors.ts";

/** A session's id from the path, safe to be part of upstream's. Throws `NotFound` for what cannot be one. */
export function pathSessionId(c: Context<AppEnv>, name: string): string {
  const untrustedId = c.req.param(name);
  if (isSessionId(untrustedId)) return untrustedId;
  throw new NotFound(`Cannot find anything at this path: expected ${EXPECTED_SESSION_ID}`);
}

/** An agent's id from the path, safe to be part of upstream's. Throws `NotFound` for what cannot be one. */
export function pathAgentId(c: Context<AppEnv>, name: string): string {
  const untrustedId = c.req.param(name) ?? "";
  if (isAgentIdInPath(untrustedId)) return untrustedId;
  throw new NotFound(
    "Cannot find anything at this path: expected a user id of up to 128 letters, digits and . _ ~ @ -",
  );
}

/** A session's id as a list's filter. Throws `InvalidParameter` for what cannot be one. */
export function filterSessionId(untrustedId: string): string {
  if (isSessionId(untrustedId)) return untrustedId;
  throw new InvalidParameter(`Cannot list by this session: expected ${EXPECTED_SESSION_ID}`);
}

/** An agent's id as a list's filter. Throws `InvalidParameter` for what cannot be one. */
export function filterAgentId(untrustedId: string): string {
  if (isAgentId(untrustedId)) return untrustedId;
  throw new InvalidParameter(`Cannot list by this agent: expected ${EXPECTED_AGENT_ID}`);
}
