import { Hono } from "hono";
import type { SimulatorEnv } from "../kit/request_log.ts";
import { errorResponse, refuse } from "./api_error.ts";
import type { Media, ReadableShelf } from "./media_shelf.ts";

/** Where the CDN is: on the same origin here, and like the real one it asks nobody for credentials. */
const CDN_PATH = "/cdn";

/** `…/Media/{sid}` of the API, below the account's path. It answers with a redirect to the CDN, as Twilio does. */
export function mediaRoutes(shelf: ReadableShelf): Hono<SimulatorEnv> {
  return new Hono<SimulatorEnv>().get("/Messages/:message/Media/:media", (c) => {
    const mediaSid = c.req.param("media");
    return shelf.find(mediaSid) === undefined
      ? errorResponse(refuse(20404, "The media was not found", 404))
      : c.redirect(new URL(`${CDN_PATH}/${mediaSid}`, c.req.url).href, 307);
  });
}

/** The CDN: the bytes, or the range of them that is asked for. */
export function cdnRoutes(shelf: ReadableShelf): Hono<SimulatorEnv> {
  return new Hono<SimulatorEnv>().get(`${CDN_PATH}/:media`, (c) => {
    const media = shelf.find(c.req.param("media"));
    if (media === undefined) return c.notFound();
    return answerRange(media, c.req.header("range"));
  });
}

/** RFC 9110 §14: one range of bytes; anything else in the header is passed over. */
function answerRange({ contentType, bytes }: Media, range: string | undefined): Response {
  const headers = { "content-type": contentType, "accept-ranges": "bytes" };
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === undefined || to === undefined || from + to === "") {
    return new Response(bytes, { headers });
  }
  const total = bytes.length;
  const start = from === "" ? Math.max(0, total - Number(to)) : Number(from);
  const end = from === "" || to === "" ? total : Math.min(total, Number(to) + 1);
  if (start >= end) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${total}` } });
  }
  return new Response(bytes.subarray(start, end), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end - 1}/${total}` },
  });
}
