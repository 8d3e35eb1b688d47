import type { MiddlewareHandler } from "hono";
import { HeadersTooLarge } from "../services/errors.ts";
import type { AppEnv } from "./app_env.ts";

const MAX_FIELDS = 100;

/** Names and values. */
const MAX_BYTES = 32 * 1024;

/**
 * Refuses requests whose headers are more than any client of ours needs, before anything is made of them (RFC 6585 §5). The
 * token is left out of the sum: `requireAgent` has a bound and an answer of its own for it. Deno itself answers a bare 400 to
 * heads of more than 64 KiB or 200 fields, which therefore never come as far as here.
 *
 * @throws HeadersTooLarge
 */
export function headerBounds(): MiddlewareHandler<AppEnv> {
  return async function headerBounds(c, next) {
    let fields = 0;
    let bytes = 0;
    c.req.raw.headers.forEach((value, name) => {
      fields += 1;
      if (name !== "authorization") bytes += name.length + value.length;
    });
    if (fields > MAX_FIELDS) {
      throw new HeadersTooLarge(`Cannot read the headers: expected at most ${MAX_FIELDS} fields`);
    }
    if (bytes > MAX_BYTES) {
      throw new HeadersTooLarge(`Cannot read the headers: expected at most ${MAX_BYTES} bytes`);
    }
    await next();
  };
}
