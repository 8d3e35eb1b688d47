import assert from "node:assert/strict";
import {
  basicAuthorization,
  createUpstreamCredentials,
  type UpstreamCredentials,
} from "../../../../services/contact_centre/rest/credentials.ts";

const CLIENTS = "Bearer agents-own";

Deno.test("createUpstreamCredentials() sends in mode forward what the client sent, and else nothing", async () => {
  const credentials = createUpstreamCredentials({ auth: { mode: "forward" } });
  assert.equal(await credentials.authorizationFor("agent-1", CLIENTS), CLIENTS);
  assert.equal(await credentials.authorizationFor("agent-1", null), null);
});

Deno.test("createUpstreamCredentials() sends in mode basic the service account and never the agent's token", async () => {
  const credentials = createUpstreamCredentials({
    auth: { mode: "basic", username: "Aladdin", password: "open sesame" },
  });
  for (const clients of [CLIENTS, null]) {
    // RFC 7617 §2, its own example.
    const expected = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert.equal(await credentials.authorizationFor("agent-1", clients), expected);
  }
});

Deno.test("createUpstreamCredentials() leaves it to the vault in mode vault, and needs one", async () => {
  const vault: UpstreamCredentials = { authorizationFor: (id) => Promise.resolve(`Basic ${id}`) };
  const credentials = createUpstreamCredentials({ auth: { mode: "vault" }, vault });
  assert.equal(await credentials.authorizationFor("agent-1", CLIENTS), "Basic agent-1");
  assert.throws(() => createUpstreamCredentials({ auth: { mode: "vault" } }), TypeError);
});

for (
  const [name, password, bytes] of [
    ["an empty password as it is", "", [0x75, 0x3a]],
    ["é as one byte of ISO-8859-1", "é", [0x75, 0x3a, 0xe9]],
    ["what ISO-8859-1 lacks as UTF-8", "é€", [0x75, 0x3a, 0xc3, 0xa9, 0xe2, 0x82, 0xac]],
  ] as const
) {
  Deno.test(`basicAuthorization() encodes ${name}`, () => {
    const value = basicAuthorization("u", password);
    assert.deepEqual([...Uint8Array.fromBase64(value.replace("Basic ", ""))], bytes);
  });
}
