import fc from "fast-check";
import { signature } from "../support/twilio_requests.ts";
import { SECRETS } from "./canaries.ts";
import { type Body, bodyFor, type TemplateName } from "./bodies.ts";
import { headerText, targetText } from "./texts.ts";

/** A route, by its path with the parameters that it has. */
export interface FuzzedRoute {
  readonly methods: readonly string[];
  readonly path: string;
  readonly body: TemplateName | "form" | null;
  readonly query: readonly string[];
}

const route = (
  methods: string,
  path: string,
  body: FuzzedRoute["body"] = null,
  ...query: string[]
): FuzzedRoute => ({ methods: methods.split(" "), path, body, query });

/** Every route that there is. */
export const ROUTES: readonly FuzzedRoute[] = [
  ...["smssessions", "smsessions"].flatMap((sessions) => [
    route("POST", `/api/v2/me/${sessions}/:id`, "operation"),
    route("POST", `/api/v2/users/:userId/${sessions}/:id`, "intrusion"),
    route("GET", `/api/v2/me/${sessions}`, null, "fields"),
    route("GET", `/api/v2/me/${sessions}/:id`),
    route("GET", `/api/v2/me/${sessions}/:id/messages`, null, "startIndex", "count"),
  ]),
  route("GET", "/api/v2/me"),
  route("POST", "/api/v2/me", "operation"),
  route("PUT DELETE", "/v1/agents/me/credentials", "credentials"),
  route("GET", "/v1/sessions", null, "agent", "limit", "cursor"),
  route("GET DELETE", "/v1/sessions/:id"),
  route("PUT", "/v1/sessions/:id/customer", "customer"),
  route("POST", "/v1/sessions/:id/expunge"),
  route("GET", "/v1/opt-outs", null, "phone", "limit", "cursor"),
  route("PUT DELETE", "/v1/opt-outs/:phone", "reason", "reason"),
  route("POST", "/v1/webhooks", "webhook"),
  route("GET", "/v1/webhooks", null, "limit", "cursor"),
  route("GET DELETE", "/v1/webhooks/:id"),
  route("PATCH", "/v1/webhooks/:id", "webhook"),
  route("POST", "/v1/webhooks/:id/rotate-secret"),
  route("POST", "/v1/webhooks/:id/enable"),
  route("POST", "/v1/webhooks/:id/ping"),
  route("POST", "/v1/webhooks/:id/recover", "recovery"),
  route("GET", "/v1/events", null, "session", "type", "limit", "cursor"),
  route("GET", "/v1/events/:id"),
  route("GET", "/v1/deliveries", null, "webhook", "session", "event", "status", "limit", "cursor"),
  route("GET", "/v1/deliveries/:id"),
  route("POST", "/v1/deliveries/:id/retry"),
  route("POST", "/v1/deliveries/:id/resolve", "resolution"),
  route("DELETE", "/v1/tokens/:jti", "revocation", "exp", "reason"),
  route("GET", "/.well-known/webhook-keys"),
  route("GET", "/metrics"),
  route("POST", "/ingress/notifications", "notification"),
  route("POST", "/ingress/twilio/sms", "form"),
  route("POST", "/ingress/twilio/status", "form", "delivery", "session", "part", "parts"),
  route("GET", "/v1/media/:reference"),
  route("GET", "/healthz"),
  route("GET", "/readyz"),
  route("GET", "/problems/:code"),
];

/** Who asks; the tokens themselves are made when there is somebody to ask. */
export const CREDENTIALS = [
  ...["none", "agent-1", "agent-2", "supervisor", "nobody", "notifications", "metrics"],
  ...["expired", "forged", "garbage"],
] as const;
export type Credential = (typeof CREDENTIALS)[number];

/** What was made out before, for whoever is asked by its id. */
export type IdKind = "wh" | "evt" | "dlv" | "media";

export interface FuzzRequest {
  /** The path of the route that it is meant for; null: none. */
  readonly route: string | null;
  readonly method: string;
  /** `{wh}` and the like stand for an id that an answer has told last. */
  readonly target: string;
  readonly credential: Credential;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Body;
  readonly chunked: boolean;
}

const IDS = ["s1", "s2", "s3", "0000Na9B26EF002X", "{wh}", "{evt}", "{dlv}", "{media}", "agent-1"];
const IDS_OF: Readonly<Record<string, readonly string[]>> = {
  "/v1/webhooks": ["{wh}"],
  "/v1/events": ["{evt}"],
  "/v1/deliveries": ["{dlv}"],
  "/v1/media": ["{media}"],
  "/v1/opt-outs": ["%2B12025550143", "+447700900123", "12345"],
  "/api/v2": ["s1", "s2", "s3"],
  "/v1/sessions": ["s1", "s2", "s3"],
  "/problems": ["not-found", "internal-error"],
};

function idFor(path: string): fc.Arbitrary<string> {
  const own = Object.entries(IDS_OF).find(([prefix]) => path.startsWith(prefix))?.[1] ?? IDS;
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...own) },
    { weight: 1, arbitrary: fc.constantFrom(...IDS) },
    { weight: 2, arbitrary: targetText },
  );
}

const PARAMETERS = [
  "limit",
  "cursor",
  "session",
  "type",
  "agent",
  "status",
  "fields",
  "x",
  "__proto__",
];
const VALUES = [
  "",
  "1",
  "20",
  "100",
  "101",
  "s1",
  "*",
  "session.*",
  "dead",
  "agent-1",
  "{wh}",
  "{evt}",
];

function queryFor(names: readonly string[]): fc.Arbitrary<string> {
  const name = fc.oneof(
    ...(names.length === 0 ? [] : [{ weight: 6, arbitrary: fc.constantFrom(...names) }]),
    { weight: 1, arbitrary: fc.constantFrom(...PARAMETERS) },
    { weight: 1, arbitrary: targetText },
  );
  const value = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
    { weight: 2, arbitrary: targetText },
  );
  return fc.array(fc.tuple(name, value), { maxLength: 3 }).map((pairs) =>
    pairs.length === 0 ? "" : `?${pairs.map(([name, value]) => `${name}=${value}`).join("&")}`
  );
}

const HEADERS = [
  ...["accept", "accept-encoding", "accept-language", "connection", "content-encoding", "cookie"],
  ...[
    "expect",
    "forwarded",
    "host",
    "idempotency-key",
    "if-none-match",
    "if-range",
    "last-event-id",
  ],
  ...["origin", "range", "referer", "te", "traceparent", "tracestate", "upgrade", "via"],
  ...["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-twilio-signature"],
  ...["access-control-request-method", "access-control-request-headers", "x-http-method-override"],
];

const someHeaders = fc.array(
  fc.tuple(
    fc.constantFrom(...HEADERS),
    fc.oneof(fc.constantFrom("close", "keep-alive, x", "bytes=0-1", "1", "key-1", "*"), headerText),
  ),
  { maxLength: 3 },
);
const anyHeaders = fc.oneof(fc.constant([]), someHeaders);

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "X-Y"];

const goodCredential = fc.constantFrom<Credential>("agent-1", "agent-1", "agent-2", "supervisor");
const anyCredential = fc.constantFrom<Credential>(...CREDENTIALS);

function requestTo(route: FuzzedRoute): fc.Arbitrary<FuzzRequest> {
  const names = [...route.path.matchAll(/:\w+/g)].map(([name]) => name);
  const own: Credential = route.path === "/ingress/notifications" ? "notifications" : "supervisor";
  return fc.record({
    route: fc.constant(route.path),
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...route.methods) },
      { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
    ),
    target: fc.tuple(fc.tuple(...names.map(() => idFor(route.path))), queryFor(route.query)).map(
      ([ids, query]) => {
        let at = 0;
        return route.path.replace(/:\w+/g, () => ids[at++] ?? "") + query;
      },
    ),
    credential: fc.oneof(
      { weight: 6, arbitrary: own === "notifications" ? fc.constant(own) : goodCredential },
      { weight: 1, arbitrary: anyCredential },
    ),
    headers: anyHeaders,
    body: bodyFor(route.body),
    chunked: fc.integer({ min: 0, max: 7 }).map((n) => n === 7),
  });
}

/** What makes something that others ask for comes more often. */
function weightOf({ path, methods }: FuzzedRoute): number {
  if (path === "/v1/webhooks" && methods.includes("POST")) return 8;
  return path.startsWith("/ingress/") || path === "/api/v2/me/smssessions/:id" ? 5 : 2;
}

/** A request to a route, or to where there is none. */
export const anyRequest: fc.Arbitrary<FuzzRequest> = fc.oneof(
  ...ROUTES.map((route) => ({ weight: weightOf(route), arbitrary: requestTo(route) })),
  {
    weight: 4,
    arbitrary: fc.record({
      route: fc.constant(null),
      method: fc.constantFrom(...METHODS),
      target: targetText.map((path) => `/${path}`),
      credential: anyCredential,
      headers: anyHeaders,
      body: bodyFor("operation"),
      chunked: fc.constant(false),
    }),
  },
);

/** What is needed to make bytes of requests. */
export interface RequestContext {
  readonly tokens: Readonly<Record<Credential, string | null>>;
  readonly publicUrl: string;
  /** Where webhooks may go. */
  readonly consumerUrl: string;
  idOf(kind: IdKind): string;
}

/** The request as it goes over the wire. */
export function bytesOf(request: FuzzRequest, context: RequestContext): Uint8Array<ArrayBuffer> {
  const { method, credential, body, chunked } = request;
  const target = request.target.replace(/\{(wh|evt|dlv|media)\}/g, (_, kind) => context.idOf(kind));
  const token = context.tokens[credential];
  const lines = [`${method} ${target} HTTP/1.1`];
  const names = new Set(request.headers.map(([name]) => name));
  if (!names.has("host")) lines.push("host: patchbay.test");
  if (token !== null) lines.push(`authorization: Bearer ${token}`);
  for (const [name, value] of request.headers) lines.push(`${name}: ${value}`);
  let bytes = new Uint8Array(0);
  if (body.kind === "bytes") {
    if (body.type !== null) lines.push(`content-type: ${body.type}`);
    const text = new TextDecoder("latin1").decode(body.bytes);
    bytes = text.includes("CONSUMER")
      ? new TextEncoder().encode(
        new TextDecoder().decode(body.bytes).replaceAll("CONSUMER", context.consumerUrl),
      )
      : new Uint8Array(body.bytes);
  } else if (body.kind === "form") {
    lines.push("content-type: application/x-www-form-urlencoded");
    const form = new URLSearchParams(body.fields.map(([name, value]) => [name, value]));
    bytes = new TextEncoder().encode(String(form));
    const signed = body.signed
      ? signature(context.publicUrl + target, Object.fromEntries(form), SECRETS.twilioToken)
      : "forged";
    if (!names.has("x-twilio-signature")) lines.push(`x-twilio-signature: ${signed}`);
  }
  if (body.kind !== "none") {
    lines.push(chunked ? "transfer-encoding: chunked" : `content-length: ${bytes.length}`);
  }
  const head = Uint8Array.from(`${lines.join("\r\n")}\r\n\r\n`, (unit) => unit.charCodeAt(0));
  return joined(head, body.kind !== "none" && chunked ? inChunks(bytes) : bytes);
}

const SHOWN_LENGTH = 400;

/** The request as a person reads it. */
export function shown(request: FuzzRequest): string {
  return linesOf(request)
    .map((line) =>
      line.length <= SHOWN_LENGTH ? line : `${line.slice(0, SHOWN_LENGTH)}… (${line.length})`
    )
    .join("\n  ");
}

function linesOf({ method, target, credential, headers, body, chunked }: FuzzRequest): string[] {
  const lines = [`${method} ${target}`, `as ${credential}${chunked ? ", in chunks" : ""}`];
  for (const [name, value] of headers) lines.push(`${name}: ${JSON.stringify(value)}`);
  if (body.kind === "bytes") {
    lines.push(`content-type: ${body.type}`, JSON.stringify(new TextDecoder().decode(body.bytes)));
  } else if (body.kind === "form") {
    lines.push(`${body.signed ? "signed" : "forged"} form ${JSON.stringify(body.fields)}`);
  }
  return lines;
}

function inChunks(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return new TextEncoder().encode("0\r\n\r\n");
  const head = new TextEncoder().encode(`${bytes.length.toString(16)}\r\n`);
  return joined(joined(head, bytes), new TextEncoder().encode("\r\n0\r\n\r\n"));
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}
