import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { AppEnv } from "./app_env.ts";

/** Half a year. */
const HTTPS_ONLY = "max-age=15552000";

/**
 * What keeps a browser from doing more with an answer than reading it. A route that says otherwise keeps its word. What
 * concerns pages alone, or browsers that are gone, is left out, as every header is sent with every answer.
 */
export function harmlessAnswers(
  { httpsOnly }: {
    /** Whether Patchbay is reached by https: then browsers are told to use nothing else for it (RFC 6797). */
    readonly httpsOnly: boolean;
  },
): MiddlewareHandler<AppEnv> {
  return secureHeaders({
    overwrite: false,
    strictTransportSecurity: httpsOnly ? HTTPS_ONLY : false,
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    xFrameOptions: "DENY",
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    removePoweredBy: false,
  });
}
