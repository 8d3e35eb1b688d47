import { Hono } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import { NotFound } from "../services/errors.ts";
import { MEDIA_PATH, type MediaRelay } from "../services/sms/media.ts";

export interface MediaRoutesDependencies {
  /** Null: SMS is off. */
  readonly media: Pick<MediaRelay, "read"> | null;
}

/**
 * A stranger has sent it, and whoever opens the address may be signed in at this host: so nothing of it is shown in the place,
 * guessed at, run or kept in between.
 */
const HARMLESS = {
  "content-disposition": "attachment",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cache-control": "private, no-store",
  "referrer-policy": "no-referrer",
  // Agents' desktops are at other origins, and may show the picture.
  "cross-origin-resource-policy": "cross-origin",
} as const;

/** `GET` and `HEAD /v1/media/{reference}`: what customers sent beside words. Open: the reference is what lets in. */
export function mediaRoutes({ media }: MediaRoutesDependencies) {
  return new Hono<AppEnv>().get(`${MEDIA_PATH}:reference`, async (c) => {
    if (media === null) {
      throw new NotFound("Cannot find anything at this path: expected SMS to be configured");
    }
    // We name no version of it, so an `If-Range` never fits and asks for the whole (RFC 9110 §13.1.5).
    const range = c.req.header("if-range") === undefined ? c.req.header("range") : undefined;
    const { body, contentType, contentRange, length } = await media.read(c.req.param("reference"), {
      method: c.req.raw.method === "HEAD" ? "HEAD" : "GET",
      untrustedRange: range ?? null,
      signal: c.req.raw.signal,
    });
    const headers = {
      ...HARMLESS,
      "content-type": contentType,
      "accept-ranges": "bytes",
      ...(length !== null && { "content-length": String(length) }),
      ...(contentRange !== null && { "content-range": contentRange }),
    };
    return new Response(body, { status: contentRange === null ? 200 : 206, headers });
  });
}
