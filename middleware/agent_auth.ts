import type { MiddlewareHandler } from "hono";
import { InsufficientScope, Unauthenticated } from "../services/errors.ts";
import type { TokenFault } from "../services/auth/token_check.ts";
import type { TokenVerifier } from "../services/auth/token_verifier.ts";
import type { AppEnv, Scope } from "./app_env.ts";

/** RFC 6750 §3 asks for at least one parameter after the scheme. */
const CHALLENGE = 'Bearer realm="patchbay"';

/** What a client may know of a refused token, in the characters that RFC 6750 §3 allows in `error_description`. */
const DESCRIPTIONS: Readonly<Record<TokenFault, string>> = {
  "too-long": "the token is longer than 8 KiB",
  "malformed": "the token is not a signed JWT",
  "algorithm-not-allowed": "the token is signed by an algorithm that is not allowed",
  "wrong-type": "the token has a typ other than JWT or at+jwt",
  "no-key": "no known key fits the token",
  "bad-signature": "the signature does not fit the token",
  "wrong-issuer": "the token is from another issuer",
  "wrong-audience": "the token is for another audience",
  "expired": "the token has expired",
  "not-yet-valid": "the token is not valid yet",
  "bad-claims": "the token lacks exp or holds a claim of the wrong type",
  "revoked": "the token was revoked",
  "no-agent": "the token names no agent, or one by an id that cannot be one",
};

/** RFC 9110 §11.1: the scheme is compared without case. */
const BEARER_SCHEME = /^bearer(?: |$)/i;

/** RFC 6750 §2.1: `b64token`. Two header lines arrive joined by a comma, which it excludes. */
const BEARER_CREDENTIALS = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/**
 * Lets requests with a good bearer token through and sets `agent`. The token is taken from the `authorization` header
 * alone: RFC 6750 §2.3 warns of URLs, which end up in logs.
 *
 * @throws Unauthenticated, KeysUnavailable
 */
export function requireAgent(
  { verifier }: { readonly verifier: TokenVerifier },
): MiddlewareHandler<AppEnv> {
  return async function requireAgent(c, next) {
    const verification = await verifier.verify(bearerToken(c.req.header("authorization")));
    if (!verification.ok) throw badToken(verification.reason);
    c.set("agent", verification.agent);
    await next();
  };
}

/**
 * Lets agents whose token has `scope` through; stands behind {@link requireAgent}.
 * @throws InsufficientScope
 */
export function requireScope(scope: Scope): MiddlewareHandler<AppEnv> {
  return async function requireScope(c, next) {
    if (!c.get("agent").scopes.has(scope)) {
      throw new InsufficientScope(`Cannot do this with the token's scopes: expected ${scope}`, {
        headers: {
          "www-authenticate": `${CHALLENGE}, error="insufficient_scope", scope="${scope}"`,
        },
      });
    }
    await next();
  };
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || !BEARER_SCHEME.test(authorization)) {
    // RFC 6750 §3.1: a request that brings no token gets no error code.
    throw new Unauthenticated("Cannot tell who is calling: expected a bearer token", {
      headers: { "www-authenticate": CHALLENGE },
      refusal: "no-token",
    });
  }
  const token = BEARER_CREDENTIALS.exec(authorization)?.[1];
  if (token === undefined) {
    throw badToken("malformed", "the header does not hold exactly one token");
  }
  return token;
}

function badToken(
  refusal: TokenFault,
  description: string = DESCRIPTIONS[refusal],
): Unauthenticated {
  return new Unauthenticated(`Cannot accept the bearer token: ${description}`, {
    headers: {
      "www-authenticate": `${CHALLENGE}, error="invalid_token", error_description="${description}"`,
    },
    refusal,
  });
}
