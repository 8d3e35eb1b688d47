import assert from "node:assert/strict";
import { createHostAddresses } from "../../../../services/webhooks/sending/host_addresses.ts";
import { createVirtualClock } from "../../../support/virtual_clock.ts";

/** Addresses over a resolver that answers when the test lets it. */
function setUp() {
  const clock = createVirtualClock();
  const asked: { host: string; answer: PromiseWithResolvers<string | null> }[] = [];
  const addresses = createHostAddresses({
    clock,
    resolve(host) {
      const answer = Promise.withResolvers<string | null>();
      asked.push({ host, answer });
      return answer.promise;
    },
  });
  return {
    clock,
    addresses,
    hosts: () => asked.map(({ host }) => host),
    async answer(address: string | null | Error) {
      const { answer } = asked.at(-1) ?? assert.fail("nobody asked");
      if (address instanceof Error) answer.reject(address);
      else answer.resolve(address);
      await answer.promise.catch(() => {});
    },
  };
}

const LITERALS: readonly [url: string, address: string][] = [
  ["https://192.0.2.7:8443/hook", "192.0.2.7"],
  ["https://[2001:db8::1]/hook", "2001:db8::1"],
  ["https://2130706433/", "127.0.0.1"],
];

for (const [url, address] of LITERALS) {
  Deno.test(`the address in ${url} is ${address}, and nobody is asked`, () => {
    const { addresses, hosts } = setUp();
    assert.equal(addresses.lookUp(url)(), address);
    assert.deepEqual(hosts(), []);
  });
}

Deno.test("a name is known once it is resolved, and before that it is not", async () => {
  const { addresses, hosts, answer } = setUp();
  const byNow = addresses.lookUp("https://hook.test/a");
  assert.equal(byNow(), null);
  await answer("192.0.2.1");
  assert.equal(byNow(), "192.0.2.1");
  assert.deepEqual(hosts(), ["hook.test"]);
});

Deno.test("a name is asked for once in 30 seconds, and what was known of it stands until the answer", async () => {
  const { addresses, hosts, answer, clock } = setUp();
  addresses.lookUp("https://hook.test/a");
  addresses.lookUp("https://hook.test/b");
  await answer("192.0.2.1");
  clock.advance(29_999);
  assert.equal(addresses.lookUp("https://hook.test/c")(), "192.0.2.1");
  assert.equal(hosts().length, 1);

  clock.advance(1);
  const byNow = addresses.lookUp("https://hook.test/d");
  assert.equal(hosts().length, 2);
  assert.equal(byNow(), "192.0.2.1");
  await answer("192.0.2.2");
  assert.equal(byNow(), "192.0.2.2");
});

for (const nothing of [null, new Error("getaddrinfo ENOTFOUND hook.test")]) {
  Deno.test(`a name that resolves to ${nothing} is not known, and not asked for again at once`, async () => {
    const { addresses, hosts, answer } = setUp();
    const byNow = addresses.lookUp("https://hook.test/");
    await answer(nothing);
    assert.equal(byNow(), null);
    assert.equal(addresses.lookUp("https://hook.test/")(), null);
    assert.equal(hosts().length, 1);
  });
}

Deno.test("no more than a thousand names are remembered", () => {
  const { addresses, hosts } = setUp();
  for (let count = 0; count <= 1_000; count++) addresses.lookUp(`https://h${count}.test/`);
  addresses.lookUp("https://h1000.test/");
  assert.equal(hosts().length, 1_001);
  addresses.lookUp("https://h0.test/");
  assert.equal(hosts().length, 1_002);
});
