import type { Hono, MiddlewareHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { MethodNotAllowed } from "../services/errors.ts";
import type { AppEnv } from "./app_env.ts";

/**
 * Answers 405 with `allow` (RFC 9110 §15.5.6) where the path of `app` exists with other methods; HEAD comes with GET.
 * Mount it on `app` itself, before its routes: they are looked up when the first such request comes.
 */
export function methodFallback(
  { app }: { readonly app: Hono<AppEnv> },
): MiddlewareHandler<AppEnv> {
  return methodNotAllowed<AppEnv>({
    app,
    onMethodNotAllowed(c, allowed) {
      throw new MethodNotAllowed(c.req.method, allowed.toSorted());
    },
  });
}
