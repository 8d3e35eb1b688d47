import { createHash } from "node:crypto";
import { serveStandIn, type StandIn } from "../support/stand_in.ts";
import { UPSTREAM_MARK } from "./judge.ts";

const json = (value: unknown, status = 200, headers: Record<string, string> = {}) => () =>
  Response.json(value, { status, headers });
const text = (body: string, status: number, type = "text/html") => () =>
  new Response(body, { status, headers: { "content-type": type } });

const SESSION = { id: "s1", state: "Chat", participants: [], uri: "http://centre/smssessions/s1" };

/** What a contact centre may say, and what nobody expects of one. */
const UPSTREAM_ANSWERS: readonly (() => Response)[] = [
  ...Array(20).fill(json({ statusCode: 0 })),
  json({ statusCode: 0, smssession: SESSION }),
  json({ statusCode: 0, smssessions: [SESSION, { id: "s2" }, null, 1] }),
  json({ statusCode: 0, uris: ["http://centre/smssessions/s1"] }),
  json({ statusCode: 0, messages: [{ index: 1, type: "Text", text: "t" }, {}] }),
  json({ statusCode: 2, statusMessage: UPSTREAM_MARK }, 400),
  json({ statusCode: 6, statusMessage: UPSTREAM_MARK }, 404),
  json({ statusCode: 20, statusMessage: UPSTREAM_MARK }, 401),
  json({ statusCode: "0" }),
  json([]),
  json(null),
  json({ statusCode: 0 }, 200, {
    "set-cookie": "JSESSIONID=x; Path=/",
    "x-csrf-header": "x",
    "x-csrf-token": "y",
  }),
  json({ mark: UPSTREAM_MARK }, 429, { "retry-after": "soon" }),
  json({ mark: UPSTREAM_MARK, statusCode: 4 }, 500),
  json({ mark: UPSTREAM_MARK }, 503),
  text(`Missing or invalid Csrf token, says ${UPSTREAM_MARK}`, 403),
  text("{", 200, "application/json"),
  text("", 200),
  () => new Response(null, { status: 204 }),
  () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:9/" } }),
];

const SID = `SM${"a".repeat(32)}`;
const PROVIDER_ANSWERS: readonly (() => Response)[] = [
  ...Array(4).fill(() => Response.json({ sid: SID, status: "queued" }, { status: 201 })),
  () => Response.json({ code: 21610, message: "opted out" }, { status: 400 }),
  () => Response.json({ code: 20003 }, { status: 401 }),
  () => Response.json({ messages: [] }),
  text("{", 200, "application/json"),
  text("", 500),
];

const MEDIA_ANSWERS: readonly (() => Response)[] = [
  ...Array(3).fill(() => new Response("png", { headers: { "content-type": "image/png" } })),
  () => new Response("<svg/>", { headers: { "content-type": "image/svg+xml" } }),
  () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:9/" } }),
  () => new Response(null, { status: 404 }),
];

const CONSUMER_ANSWERS: readonly (() => Response)[] = [
  ...Array(6).fill(() => new Response("ok")),
  () => new Response("no", { status: 500, headers: { "retry-after": "1e9" } }),
  () => new Response("gone", { status: 410 }),
  () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:9/" } }),
];

/**
 * Everybody whom Patchbay talks to, on one port of loopback. What is asked decides what is answered, so that a request
 * which is made again is answered alike.
 */
export function startSurroundings(): StandIn {
  return serveStandIn(async ({ request }) => {
    const body = new Uint8Array(await request.arrayBuffer());
    const { pathname } = new URL(request.url);
    const answers = pathname.startsWith("/api/")
      ? UPSTREAM_ANSWERS
      : pathname.includes("/Media/")
      ? MEDIA_ANSWERS
      : pathname.startsWith("/2010")
      ? PROVIDER_ANSWERS
      : CONSUMER_ANSWERS;
    const digest = createHash("sha256").update(request.method + request.url).update(body).digest();
    return (answers[digest.readUInt32BE(0) % answers.length] ?? json({}))();
  });
}
