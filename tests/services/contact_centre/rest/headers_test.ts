import assert from "node:assert/strict";
import {
  answerHeaders,
  clientAuthorization,
  requestHeaders,
} from "../../../../services/contact_centre/rest/headers.ts";
import { aRequest } from "../../../support/upstream_request.ts";

const FORWARD = {
  authorization: "Bearer agents-own",
  link: new Headers(),
  tracedByPlatform: false,
};

Deno.test("requestHeaders() sends the listed headers on, and nothing else of the client's", () => {
  const untrustedHeaders = new Headers({
    "accept": "application/json",
    "accept-encoding": "zstd",
    "accept-language": "de",
    "authorization": "Bearer ignored-here",
    "connection": "keep-alive",
    "content-type": "application/json; charset=utf-8",
    "cookie": "JSESSIONID=1",
    "forwarded": "for=203.0.113.66",
    "host": "patchbay.example",
    "keep-alive": "timeout=5",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=1",
    "transfer-encoding": "chunked",
    "via": "1.1 forged",
    "x-agent-id": "somebody-else",
    "x-forwarded-for": "203.0.113.66",
    "x-forwarded-host": "forged.example",
    "x-forwarded-proto": "gopher",
    "x-request-id": "the-clients",
  });
  assert.deepEqual(Object.fromEntries(requestHeaders(aRequest({ untrustedHeaders }), FORWARD)), {
    "accept": "application/json",
    "accept-language": "de",
    "authorization": "Bearer agents-own",
    "content-type": "application/json; charset=utf-8",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=1",
    "via": "1.1 patchbay",
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-host": "patchbay.example",
    "x-forwarded-proto": "https",
    "x-request-id": "request-1",
  });
});

Deno.test("requestHeaders() leaves out what the client named in Connection, listed or not", () => {
  const untrustedHeaders = new Headers({
    "accept-language": "de",
    "connection": "close,  Accept-Language ,,X-Request-Id, via",
    "content-type": "application/json",
  });
  const headers = requestHeaders(aRequest({ untrustedHeaders }), FORWARD);
  assert.deepEqual([...headers.keys()], [
    "authorization",
    "content-type",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
  ]);
  // These are written afresh: naming the client's own does not suppress ours.
  assert.equal(headers.get("x-request-id"), "request-1");
});

Deno.test("requestHeaders() makes no header of what is not known", () => {
  const request = aRequest({ clientIp: null, forwardedHost: null });
  const headers = requestHeaders(request, { ...FORWARD, authorization: null });
  for (const name of ["x-forwarded-for", "x-forwarded-host", "authorization"]) {
    assert.equal(headers.has(name), false, name);
  }
});

Deno.test("requestHeaders() sends the link's cookies and CSRF token, whatever the client sent", () => {
  const untrustedHeaders = new Headers({ "cookie": "JSESSIONID=stolen", "x-csrf-token": "forged" });
  const link = new Headers({ "cookie": "JSESSIONID=1; route=a", "x-csrf-token": "t" });
  const headers = requestHeaders(aRequest({ untrustedHeaders }), { ...FORWARD, link });
  assert.equal(headers.get("cookie"), "JSESSIONID=1; route=a");
  assert.equal(headers.get("x-csrf-token"), "t");
});

Deno.test("requestHeaders() lets no CSRF header replace the credentials", () => {
  const link = new Headers({ "authorization": "t" });
  const headers = requestHeaders(aRequest(), { ...FORWARD, link });
  assert.equal(headers.get("authorization"), "Bearer agents-own");
});

Deno.test("clientAuthorization() is null where there is none, or none for upstream", () => {
  assert.equal(clientAuthorization(aRequest()), "Bearer agents-own");
  assert.equal(clientAuthorization(aRequest({ authorization: null })), null);
  const untrustedHeaders = new Headers({ "connection": "close, AUTHORIZATION" });
  assert.equal(clientAuthorization(aRequest({ untrustedHeaders })), null);
});

Deno.test("requestHeaders() leaves the trace to a platform that adds it by itself", () => {
  const untrustedHeaders = new Headers({ "traceparent": "00-1-2-01", "tracestate": "a=1" });
  const headers = requestHeaders(aRequest({ untrustedHeaders }), {
    ...FORWARD,
    tracedByPlatform: true,
  });
  assert.equal(headers.has("traceparent") || headers.has("tracestate"), false);
});

Deno.test("answerHeaders() brings the listed headers back and writes the others afresh", () => {
  const answer = new Response("12345", {
    headers: {
      "cache-control": "public, max-age=60",
      "connection": "close",
      "content-encoding": "gzip",
      "content-length": "5",
      "content-type": "text/html",
      "etag": '"1"',
      "location": "https://upstream.internal/",
      "retry-after": "3",
      "server": "Jetty(9.4)",
      "set-cookie": "JSESSIONID=1",
      "transfer-encoding": "chunked",
      "www-authenticate": 'Basic realm="internal"',
      "x-csrf-token": "t",
      "x-request-id": "upstreams",
    },
  });
  assert.deepEqual(Object.fromEntries(answerHeaders(answer, 99)), {
    "cache-control": "no-store",
    "content-length": "99",
    "content-type": "text/html",
    "retry-after": "3",
  });
});

for (
  const [coding, kept] of [
    ["gzip", false],
    ["BR", false],
    ["deflate", true],
    ["gzip, gzip", true],
  ] as const
) {
  Deno.test(`answerHeaders() ${kept ? "keeps" : "drops"} content-encoding: ${coding}`, () => {
    const answer = new Response("x", { headers: { "content-encoding": coding } });
    assert.equal(answerHeaders(answer, 1).get("content-encoding"), kept ? coding : null);
  });
}

Deno.test("answerHeaders() keeps back what upstream's Connection names", () => {
  const answer = new Response("1", {
    headers: {
      "connection": "close, Retry-After , content-type",
      "content-type": "text/html",
      "retry-after": "3",
    },
  });
  assert.deepEqual(Object.fromEntries(answerHeaders(answer, 1)), {
    "cache-control": "no-store",
    "content-length": "1",
  });
});
