import assert from "node:assert/strict";
import { isKeyAddress, metadataAddresses } from "../../../services/auth/issuer_address.ts";

// OpenID Connect Discovery 1.0 §4 and RFC 8414 §3.1.
const ADDRESSES: readonly [issuer: string, first: string, second: string][] = [
  [
    "https://login.example",
    "https://login.example/.well-known/openid-configuration",
    "https://login.example/.well-known/oauth-authorization-server",
  ],
  [
    "https://login.example/",
    "https://login.example/.well-known/openid-configuration",
    "https://login.example/.well-known/oauth-authorization-server",
  ],
  [
    "https://login.example/realms/centre",
    "https://login.example/realms/centre/.well-known/openid-configuration",
    "https://login.example/.well-known/oauth-authorization-server/realms/centre",
  ],
  [
    "https://login.example/realms/centre/",
    "https://login.example/realms/centre/.well-known/openid-configuration",
    "https://login.example/.well-known/oauth-authorization-server/realms/centre",
  ],
  [
    "http://127.0.0.1:8080/a%20b",
    "http://127.0.0.1:8080/a%20b/.well-known/openid-configuration",
    "http://127.0.0.1:8080/.well-known/oauth-authorization-server/a%20b",
  ],
  [
    "https://login.example//deep",
    "https://login.example//deep/.well-known/openid-configuration",
    "https://login.example/.well-known/oauth-authorization-server//deep",
  ],
];
for (const [issuer, ...expected] of ADDRESSES) {
  Deno.test(`the metadata of ${issuer} are where the standards say`, () => {
    assert.deepEqual(metadataAddresses(issuer)?.map(({ href }) => href), expected);
  });
}

const NOWHERE = [
  "patchbay",
  "",
  "urn:issuer:one",
  "ftp://login.example",
  "https:login.example",
  "https://login.example?tenant=1",
  "https://login.example/#a",
  "https://user:secret@login.example",
  "https://login.example/a b",
  "https://login.example\\evil.example",
  "https://",
];
for (const issuer of NOWHERE) {
  Deno.test(`${JSON.stringify(issuer)} is no issuer that could tell its keys`, () => {
    assert.equal(metadataAddresses(issuer), null);
  });
}

const KEYS: readonly [address: string, issuer: string, taken: boolean][] = [
  ["https://login.example/keys", "https://login.example", true],
  ["https://keys.example/keys?tenant=1", "https://login.example", true],
  ["http://login.example/keys", "https://login.example", false],
  ["http://127.0.0.1/keys", "https://login.example", false],
  ["http://127.0.0.1/keys", "http://127.0.0.1", true],
  ["https://keys.example/", "http://127.0.0.1", true],
  ["file:///etc/keys", "http://127.0.0.1", false],
  ["data:application/json,{}", "https://login.example", false],
  ["https://user:secret@keys.example/", "https://login.example", false],
];
for (const [address, issuer, taken] of KEYS) {
  Deno.test(`${issuer} may ${taken ? "" : "not "}name ${address} for its keys`, () => {
    assert.equal(isKeyAddress(new URL(address), issuer), taken);
  });
}
