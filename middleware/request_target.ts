import type { MiddlewareHandler } from "hono";
import { InvalidParameter } from "../services/errors.ts";
import type { AppEnv } from "./app_env.ts";

const NAME_OR_ADDRESS = String.raw`(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?`;

/** RFC 9110 §7.2. An empty one comes where the client knows no name for us (RFC 9112 §3.2). */
const PLAIN_HOST = new RegExp(`^(?:${NAME_OR_ADDRESS})?$`, "i");

/** What an absolute target may begin with (RFC 9112 §3.2.2), and every other does once `Deno.serve` has completed it. */
const PLAIN_ORIGIN = new RegExp(`^https?://${NAME_OR_ADDRESS}/`, "i");

/**
 * Refuses a request of which it could be in doubt what it asks for. `Deno.serve` (2.9.6) writes `Request.url` as `http://`,
 * the `Host` as it came, and the target; a `Host` such as `a/v1/sessions?` would put its own path in front of the one that
 * proxies before us have seen.
 *
 * @throws InvalidParameter
 */
export function plainTarget(): MiddlewareHandler<AppEnv> {
  return async function plainTarget(c, next) {
    if (!PLAIN_HOST.test(c.req.header("host") ?? "") || !PLAIN_ORIGIN.test(c.req.raw.url)) {
      throw new InvalidParameter(
        "Cannot read what the request is for: expected a path, and a Host that is a name or an address",
      );
    }
    await next();
  };
}
