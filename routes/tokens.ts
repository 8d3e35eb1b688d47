import { Hono } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { LATEST_EXP_S } from "../services/auth/token_check.ts";
import type { TokenDesk } from "../services/auth/token_desk.ts";
import { readToken } from "../services/auth/token_text.ts";
import { InvalidBody, InvalidParameter } from "../services/errors.ts";
import { isJsonObject, type JsonObject } from "../services/support/json_object.ts";
import { queryOf } from "./query.ts";
import { readReason } from "./reason.ts";

const MAX_BODY_BYTES = 4 * 1024;

export interface TokenRoutesDependencies {
  readonly guards: RouteGuards;
  readonly tokenDesk: TokenDesk;
}

/** `DELETE /v1/tokens/{jti}`: a token is good no more. What there is to say of it stands in the query or the body. */
export function tokenRoutes({ guards, tokenDesk }: TokenRoutesDependencies) {
  const readBody = guards.jsonBody({ maxBytes: MAX_BODY_BYTES, ifEmpty: "{}" });

  return new Hono<AppEnv>()
    .delete("/v1/tokens/:jti", guards.agent("tokens:revoke"), readBody, async (c) => {
      const body = objectIn(c.get("body").untrustedJson);
      const { exp, reason } = queryOf(c);
      await tokenDesk.revoke({
        jti: readJti(c.req.param("jti")),
        expS: readExp(exp === undefined ? body["exp"] : numberIn(exp)),
        reason: readReason(reason ?? body["reason"]),
        agentId: c.get("agent").id,
      });
      return c.body(null, 204);
    });
}

function objectIn(untrustedJson: unknown): JsonObject {
  if (isJsonObject(untrustedJson)) return untrustedJson;
  throw new InvalidBody(
    "Cannot read the body: expected a JSON object with exp and reason, or none",
  );
}

function readJti(untrustedJti: string): string {
  if (readToken(untrustedJti) === null) return untrustedJti;
  throw new InvalidParameter("Cannot use the whole token: expected its jti");
}

/** A number as JSON spells it without exponent; NaN for another text, which is then refused. */
function numberIn(untrustedText: string): number {
  return /^\d+(\.\d+)?$/.test(untrustedText) ? Number(untrustedText) : NaN;
}

function readExp(untrustedExp: unknown): number | null {
  if (untrustedExp === undefined || untrustedExp === null) return null;
  if (typeof untrustedExp === "number" && untrustedExp >= 0 && untrustedExp <= LATEST_EXP_S) {
    return untrustedExp;
  }
  throw new InvalidParameter(
    `Cannot use exp: expected the token's own, in seconds since 1970, up to ${LATEST_EXP_S}`,
  );
}
