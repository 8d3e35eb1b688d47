import assert from "node:assert/strict";
import {
  type NetworkFailure,
  NotSent,
  readNetworkFailure,
} from "../../../services/http/network_failure.ts";

Deno.test("readNetworkFailure() takes whatever it does not know for a request that may have arrived", () => {
  for (const error of [new TypeError("fetch failed"), "text", null, new Error("x", { cause: 1 })]) {
    const failure = readNetworkFailure(error);
    assert.equal(failure.reached, "maybe");
    assert.equal(failure.class, "connection-lost");
  }
});

const fetchError = (text: string) =>
  new TypeError("error sending request", { cause: new Error(`http://h/: client error ${text}`) });
const nodeError = (code: string) => Object.assign(new Error("it broke"), { code });

const ROWS: readonly (readonly [
  what: string,
  error: unknown,
  expected: readonly [
    NetworkFailure["class"],
    NetworkFailure["reached"],
    NetworkFailure["obstacle"],
  ],
])[] = [
  [
    "a name that is not known",
    fetchError("(Connect): dns error: failed to lookup address information"),
    ["connect-failed", "never", "name-not-resolved"],
  ],
  [
    "a port where nobody listens",
    fetchError("(Connect): tcp connect error: Connection refused (os error 111)"),
    ["connect-failed", "never", "refused"],
  ],
  [
    "a failed TLS handshake",
    fetchError("(Connect): invalid peer certificate: UnknownIssuer"),
    ["connect-failed", "never", null],
  ],
  [
    "a connection that closed while the answer was awaited",
    fetchError("(SendRequest): connection closed before message completed"),
    ["connection-lost", "maybe", null],
  ],
  ["node's unknown name", nodeError("ENOTFOUND"), ["connect-failed", "never", "name-not-resolved"]],
  ["node's refused connection", nodeError("ECONNREFUSED"), ["connect-failed", "never", "refused"]],
  ["node's broken connection", nodeError("ECONNRESET"), ["connection-lost", "maybe", null]],
  [
    "a connection without permission",
    new Deno.errors.NotCapable("Requires net access"),
    ["connect-failed", "never", null],
  ],
  [
    "an address that the egress guard refuses",
    new TypeError("fetch failed", { cause: new NotSent("egress-refused", "it is not public") }),
    ["egress-refused", "never", null],
  ],
  [
    "a name that does not exist",
    new NotSent("name-not-found", "no such name"),
    ["name-not-found", "never", "name-not-resolved"],
  ],
  [
    "a resolver that fails",
    new NotSent("resolver-failed", "SERVFAIL"),
    ["resolver-failed", "never", "name-not-resolved"],
  ],
  [
    "a connection that did not come to stand",
    new NotSent("connect-failed", "Connection refused (os error 111)"),
    ["connect-failed", "never", "refused"],
  ],
  [
    "a proxy that refuses",
    new NotSent("proxy-failed", "The proxy answered 407"),
    ["proxy-failed", "never", null],
  ],
];

for (const [what, error, expected] of ROWS) {
  Deno.test(`readNetworkFailure() takes ${what} for ${expected.join(", ")}`, () => {
    const failure = readNetworkFailure(error);
    assert.deepEqual([failure.class, failure.reached, failure.obstacle], expected);
  });
}
