import assert from "node:assert/strict";
import {
  InvalidParameter,
  StoreUnavailable,
  Unauthenticated,
} from "../../../../services/errors.ts";
import { NoUpstreamCredentials } from "../../../../services/contact_centre/rest/credentials.ts";
import { FRESH_MS, STALE_MS } from "../../../../services/contact_centre/rest/vault.ts";
import { createTestVaults, sealingKey } from "../../../support/vault.ts";

const KSIPPO = { username: "ksippo", password: "open sesame ✓" };
const basic = (pair: string) => `Basic ${new TextEncoder().encode(pair).toBase64()}`;
const AS_KSIPPO = basic("ksippo:open sesame ✓");

const none = (detail: RegExp) => (error: unknown) => {
  assert.ok(error instanceof NoUpstreamCredentials, `expected NoUpstreamCredentials, got ${error}`);
  assert.match(error.message, detail);
  return true;
};

Deno.test("the vault sends as Basic what the agent has left, whatever the client's own token", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  assert.equal(await vault.authorizationFor("agent-1", "Bearer x"), AS_KSIPPO);
  assert.equal(await vault.authorizationFor("agent-1", null), AS_KSIPPO);
});

Deno.test("the vault tells an agent without credentials how to leave them", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  const refused = vault.authorizationFor("agent-2", "Bearer x");
  await assert.rejects(refused, none(/has left no credentials.*PUT \/v1\/agents\/me\/credentials/));
  await refused.catch((error: Unauthenticated) => {
    // The token is good, so the challenge bears no error (RFC 6750 §3.1).
    assert.deepEqual(error.headers, { "www-authenticate": 'Bearer realm="patchbay"' });
    assert.equal(error.code, "unauthenticated");
  });
});

Deno.test("credentials can be replaced and removed, and removed again", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  await vault.authorizationFor("agent-1", null);
  await vault.keep("agent-1", { username: "other", password: "" });
  assert.equal(await vault.authorizationFor("agent-1", null), basic("other:"));
  await vault.remove("agent-1");
  await assert.rejects(vault.authorizationFor("agent-1", null), none(/no credentials/));
  await vault.remove("agent-1");
  assert.equal(await vaults.kept("agent-1"), null);
});

// ------------------------------------------------------------------------------------------------ at rest

Deno.test("neither password nor user name can be read in the files of the store", async () => {
  const dir = await Deno.makeTempDir();
  const contents = async () => {
    const texts: string[] = [];
    for await (const { name } of Deno.readDir(dir)) {
      texts.push(new TextDecoder("latin1").decode(await Deno.readFile(`${dir}/${name}`)));
    }
    return texts.join("\n");
  };
  try {
    await using vaults = createTestVaults({ path: `${dir}/patchbay.db` });
    await vaults.vault().keep("agent-77", { username: "ksippo", password: "opensesame-1" });
    const written = await contents();
    assert.ok(written.includes("agent-77"), "the record is not in the files");
    for (const secret of ["ksippo", "opensesame-1", btoa("ksippo:opensesame-1")]) {
      assert.ok(!written.includes(secret), secret);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the vault seals anew each time, and logs nothing of it", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  const first = await vaults.kept("agent-1");
  await vault.keep("agent-1", KSIPPO);
  assert.notEqual(await vaults.kept("agent-1"), first);
  // RFC 7516 §7.1: a compact JWE without an encrypted key, as with `dir`.
  assert.match(first ?? "", /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.deepEqual(vaults.log.entries, []);
});

Deno.test("a rotated key still opens what it sealed, and what is left from then on is under the new one", async () => {
  await using vaults = createTestVaults();
  const [oldKey, newKey] = [sealingKey(1), sealingKey(2)];
  await vaults.vault([oldKey]).keep("agent-1", KSIPPO);

  const rotated = vaults.vault([newKey, oldKey]);
  assert.equal(await rotated.authorizationFor("agent-1", null), AS_KSIPPO);
  await rotated.keep("agent-2", KSIPPO);

  const onlyNew = vaults.vault([newKey]);
  assert.equal(await onlyNew.authorizationFor("agent-2", null), AS_KSIPPO);
  await assert.rejects(
    onlyNew.authorizationFor("agent-1", null),
    none(/cannot be opened any more, PUT .* anew/),
  );
  const [entry] = vaults.log.of("credentials.unusable");
  assert.deepEqual(entry?.fields, { agentId: "agent-1", reason: "other-key" });
});

Deno.test("a damaged record, or one that was another agent's, opens for nobody", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  await vaults.plant("agent-2", await vaults.kept("agent-1") ?? "");
  await vaults.plant("agent-3", "not sealed");
  for (const agentId of ["agent-2", "agent-3"]) {
    await assert.rejects(vault.authorizationFor(agentId, null), none(/cannot be opened/));
  }
  assert.deepEqual(
    vaults.log.of("credentials.unusable").map(({ fields }) => fields.reason),
    ["other-agent", "damaged"],
  );
});

// ------------------------------------------------------------------------------------------------- memory

Deno.test("opened credentials serve for 2 s without asking the store, then are read again", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  await vault.authorizationFor("agent-1", null);
  vaults.clock.advance(FRESH_MS - 1);
  await vault.authorizationFor("agent-1", null);
  assert.equal(vaults.reads(), 1);
  vaults.clock.advance(1);
  await vault.authorizationFor("agent-1", null);
  await vault.authorizationFor("agent-1", null);
  assert.equal(vaults.reads(), 2);
});

Deno.test("what another instance changes is noticed after 2 s, and told", async () => {
  await using vaults = createTestVaults();
  const [here, elsewhere] = [vaults.vault(), vaults.vault()];
  await here.keep("agent-1", KSIPPO);
  await here.authorizationFor("agent-1", null);
  await elsewhere.keep("agent-1", { username: "other", password: "" });
  vaults.clock.advance(FRESH_MS);
  assert.equal(await here.authorizationFor("agent-1", null), basic("other:"));
  await elsewhere.remove("agent-1");
  vaults.clock.advance(FRESH_MS);
  await assert.rejects(here.authorizationFor("agent-1", null), none(/no credentials/));
  // Kept here, kept there, noticed here, removed there, noticed here.
  assert.deepEqual(vaults.changed, Array(5).fill("agent-1"));
});

Deno.test("a read that was under way while credentials were replaced is not remembered", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  const { promise, resolve } = Promise.withResolvers<void>();
  vaults.delayReads(promise);
  const early = vault.authorizationFor("agent-1", null);
  await vault.keep("agent-1", { username: "other", password: "" });
  resolve();
  assert.equal(await early, AS_KSIPPO);
  assert.equal(await vault.authorizationFor("agent-1", null), basic("other:"));
});

Deno.test("while the store is away known credentials serve on, for ten minutes", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  await vault.authorizationFor("agent-1", null);
  vaults.setAway(true);
  vaults.clock.advance(STALE_MS - 1);
  assert.equal(await vault.authorizationFor("agent-1", null), AS_KSIPPO);
  await assert.rejects(vault.authorizationFor("agent-2", null), StoreUnavailable);
  vaults.clock.advance(1);
  await assert.rejects(vault.authorizationFor("agent-1", null), StoreUnavailable);
});

Deno.test("credentials whose removal failed serve no more, as it may have been done", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  await vault.keep("agent-1", KSIPPO);
  await vault.authorizationFor("agent-1", null);
  vaults.setAway(true);
  await assert.rejects(vault.remove("agent-1"), StoreUnavailable);
  await assert.rejects(vault.authorizationFor("agent-1", null), StoreUnavailable);
  vaults.setAway(false);
  assert.equal(await vault.authorizationFor("agent-1", null), AS_KSIPPO);
});

Deno.test("an agent whose id is longer than a record's key keeps nothing", async () => {
  await using vaults = createTestVaults();
  const vault = vaults.vault();
  const longest = "a".repeat(512);
  await vault.keep(longest, KSIPPO);
  await assert.rejects(vault.keep(`${longest}b`, KSIPPO), InvalidParameter);
  await assert.rejects(vault.authorizationFor(`${longest}b`, null), none(/no credentials/));
  await vault.remove(`${longest}b`);
  assert.equal(await vault.authorizationFor(longest, null), AS_KSIPPO);
});
