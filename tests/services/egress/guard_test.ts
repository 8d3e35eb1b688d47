import assert from "node:assert/strict";
import { createHttpClient } from "../../../services/http/client.ts";
import { createConnector, systemDialler } from "../../../services/http/connector.ts";
import { systemClock } from "../../../services/support/clock.ts";
import { createTestGuard, type Names } from "../../support/egress_guard.ts";
import { ask, bytesOf, listenRaw, readRequest, told } from "../http/client/sockets.ts";

const PUBLIC = "93.184.215.14";
const PUBLIC_6 = "2606:4700:4700::1111";
const LOCAL_ANSWERS: readonly (readonly [what: string, addresses: readonly string[]])[] = [
  ["loopback", ["127.0.0.1"]],
  ["loopback over IPv6", ["::1"]],
  ["a private network", ["10.0.0.5"]],
  ["a carrier's customers", ["100.64.0.1"]],
  ["cloud metadata", ["169.254.169.254"]],
  ["cloud metadata over IPv6", ["fd00:ec2::254"]],
  ["this network", ["0.0.0.0"]],
  ["benchmarks", ["198.18.0.1"]],
  ["documentation", ["203.0.113.1"]],
  ["multicast", ["224.0.0.1"]],
  ["a unique local address", ["fc00::1"]],
  ["a link-local address", ["fe80::1"]],
  ["a link-local address with its zone", ["fe80::1%eth0"]],
  ["an IPv4-mapped address", ["::ffff:127.0.0.1"]],
  ["an IPv4-mapped address in hexadecimal", ["::ffff:a00:5"]],
  ["NAT64", ["64:ff9b::7f00:1"]],
  ["NAT64 of a public address", ["64:ff9b::5db8:d70e"]],
  ["local NAT64", ["64:ff9b:1::7f00:1"]],
  ["6to4", ["2002:7f00:1::"]],
  ["Teredo", ["2001:0:4136:e378:8000:63bf:3fff:fdd2"]],
  ["a public and a private address", [PUBLIC, "10.0.0.5"]],
  ["a private and a public address", ["10.0.0.5", PUBLIC]],
  ["public addresses and a private one of the other family", [PUBLIC, PUBLIC_6, "::1"]],
];

/** A client behind the guard; whatever address it dials, a listener on loopback hears of it. */
async function startGuarded(options: { allow?: readonly string[]; names: Names }) {
  const guard = await createTestGuard(options);
  const server = listenRaw(async (connection) => {
    while (await readRequest(connection) !== null) {
      await connection.write(bytesOf("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
    }
  });
  const port = Number(new URL(server.url).port);
  const dialled: string[] = [];
  const connect = createConnector({
    addressesOf: guard.addressesOf,
    dialler: {
      dial(address, _port, signal) {
        dialled.push(address);
        return systemDialler.dial("127.0.0.1", port, signal);
      },
      dialStream(address, _port, signal) {
        dialled.push(address);
        return systemDialler.dialStream("127.0.0.1", port, signal);
      },
    },
    clock: systemClock,
  });
  const client = createHttpClient({ connect, clock: systemClock });
  return {
    guard,
    client,
    dialled,
    connections: server.connections,
    /** What becomes of a request, and which addresses its caller is told. */
    async post(url: string) {
      const addresses: string[] = [];
      const onAddress = (address: string) => addresses.push(address);
      const outcome = await ask(client.transport, { method: "POST", url, onAddress });
      return { outcome, addresses };
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

for (const [what, addresses] of LOCAL_ANSWERS) {
  Deno.test(`no webhook may have a name that stands for ${what}, and where it leads is not told`, async () => {
    const { judgeUrl } = await createTestGuard({ names: { "hooks.example": addresses } });
    const verdict = await judgeUrl("https://hooks.example/in");
    assert.deepEqual(verdict, {
      ok: false,
      reason: "Cannot use the webhook host hooks.example: expected a name of public addresses " +
        "alone; EGRESS_ALLOW can allow it",
    });
  });

  Deno.test(`a name that moves to ${what} after it was registered is not connected to`, async () => {
    const names: Names = { "hooks.example": [PUBLIC, PUBLIC_6] };
    await using guarded = await startGuarded({ names });
    assert.ok((await guarded.guard.judgeUrl("https://hooks.example/in")).ok);
    names["hooks.example"] = addresses;
    const { outcome, addresses: toldAddresses } = await guarded.post("https://hooks.example/in");
    assert.ok(outcome.kind === "failure");
    assert.deepEqual([outcome.class, outcome.reached], ["egress-refused", "never"]);
    for (const address of addresses) assert.ok(!outcome.detail.includes(address), outcome.detail);
    assert.deepEqual([guarded.dialled, toldAddresses], [[], []]);
    assert.equal(guarded.connections(), 0);
  });
}

Deno.test("a name is asked for with each connection, and only what it stood for then is dialled", async () => {
  const names: Names = { "hooks.example": [PUBLIC, PUBLIC_6] };
  await using guarded = await startGuarded({ allow: ["hooks.example"], names });
  const url = "http://hooks.example:8080/in";
  for (const _ of [1, 2]) {
    const { outcome, addresses } = await guarded.post(url);
    assert.equal(told(outcome), '200 "ok"');
    assert.equal(addresses.at(-1), PUBLIC);
  }
  assert.deepEqual(guarded.guard.asked, ["hooks.example"], "a kept connection is where it was");
  guarded.client.close();
  names["hooks.example"] = ["93.184.215.15"];
  await guarded.post(url);
  assert.deepEqual(guarded.guard.asked, ["hooks.example", "hooks.example"]);
  assert.deepEqual(guarded.dialled, [PUBLIC, "93.184.215.15"]);
});

const URLS_REFUSED: readonly string[] = [
  "https://10.0.0.5/",
  "https://2130706433/",
  "https://0x7f.1/",
  "https://0177.0.0.1/",
  "https://[::ffff:127.0.0.1]/",
  "https://[64:ff9b::7f00:1]/",
  "https://[2002:7f00:1::]/",
  "https://localhost/",
  "https://consumer.prod.svc/",
  "http://hooks.example/",
  "https://hooks.example:8444/",
];
for (const url of URLS_REFUSED) {
  Deno.test(`a registered ${url} is not connected to once it is not allowed any more`, async () => {
    const names = { "hooks.example": [PUBLIC], "consumer.prod.svc": [PUBLIC] };
    await using guarded = await startGuarded({ names });
    const { outcome } = await guarded.post(url);
    assert.ok(outcome.kind === "failure");
    assert.equal(outcome.class, "egress-refused");
    assert.match(outcome.detail, /EGRESS_ALLOW can allow it$/);
    assert.deepEqual([guarded.dialled, guarded.connections()], [[], 0]);
  });
}

interface Lifted {
  readonly allow: readonly string[];
  readonly url: string;
  readonly addresses: readonly string[];
  readonly taken: boolean;
}

const LIFTED: readonly Lifted[] = [
  // By range: a name whose every address is on the list is let through as these addresses are.
  { allow: ["10.0.0.0/8"], url: "http://consumer.svc:8080/", addresses: ["10.0.0.5"], taken: true },
  { allow: ["10.0.0.0/8"], url: "http://nodot/", addresses: ["10.0.0.5", "10.9.9.9"], taken: true },
  { allow: ["fd00::/8"], url: "https://hooks.example/", addresses: ["fd00::5"], taken: true },
  {
    allow: ["10.0.0.0/8"],
    url: "https://hooks.example/",
    addresses: [PUBLIC, "10.0.0.5"],
    taken: true,
  },
  {
    allow: ["10.0.0.0/8"],
    url: "http://hooks.example/",
    addresses: [PUBLIC, "10.0.0.5"],
    taken: false,
  },
  {
    allow: ["10.0.0.0/8"],
    url: "https://hooks.example/",
    addresses: ["10.0.0.5", "192.168.0.1"],
    taken: false,
  },
  {
    allow: ["10.0.0.0/8"],
    url: "https://hooks.example/",
    addresses: ["::ffff:10.0.0.5"],
    taken: true,
  },
  {
    allow: ["10.0.0.0/8"],
    url: "https://hooks.example/",
    addresses: ["64:ff9b::a00:5"],
    taken: false,
  },
  { allow: ["10.0.0.0/8"], url: "http://consumer.svc:8080/", addresses: [PUBLIC], taken: false },
  // By name: wherever it leads.
  {
    allow: ["consumer.svc"],
    url: "http://consumer.svc:8080/",
    addresses: ["10.0.0.5"],
    taken: true,
  },
  {
    allow: ["*.svc"],
    url: "http://consumer.svc:8080/",
    addresses: ["169.254.1.1", PUBLIC],
    taken: true,
  },
  { allow: ["*.svc"], url: "http://consumer.lan:8080/", addresses: ["10.0.0.5"], taken: false },
];
for (const { allow, url, addresses, taken } of LIFTED) {
  Deno.test(`${url}, which stands for ${addresses}, is ${taken ? "let through" : "refused"} with ${allow}`, async () => {
    const { hostname } = new URL(url);
    await using guarded = await startGuarded({ allow, names: { [hostname]: addresses } });
    assert.equal((await guarded.guard.judgeUrl(url)).ok, taken);
    const place = {
      isSecure: url.startsWith("https:"),
      hostname,
      port: Number(new URL(url).port || (url.startsWith("https:") ? 443 : 80)),
    };
    const judged = guarded.guard.addressesOf(place, new AbortController().signal);
    if (taken) assert.deepEqual(await judged, addresses);
    else await assert.rejects(judged, { kind: "egress-refused" });
  });
}

Deno.test("localhost stands for those of its addresses that are allowed, and nobody is asked", async () => {
  for (
    const [allow, addresses] of [
      [["127.0.0.0/8"], ["127.0.0.1"]],
      [["::1"], ["::1"]],
      [["127.0.0.0/8", "::1"], ["127.0.0.1", "::1"]],
    ] as const
  ) {
    const guard = await createTestGuard({ allow });
    const place = { isSecure: false, hostname: "localhost", port: 3_000 };
    assert.deepEqual(await guard.addressesOf(place, new AbortController().signal), addresses);
    assert.deepEqual(guard.asked, []);
  }
});

Deno.test("a name that nobody knows yet may be registered, and is not connected to", async () => {
  await using guarded = await startGuarded({ names: {} });
  assert.ok((await guarded.guard.judgeUrl("https://hooks.example/")).ok);
  const { outcome } = await guarded.post("https://hooks.example/");
  assert.ok(outcome.kind === "failure");
  assert.deepEqual([outcome.class, outcome.reached], ["name-not-found", "never"]);
  assert.deepEqual(guarded.dialled, []);
});

Deno.test("whoever is refused for the URL alone has no name looked up", async () => {
  const guard = await createTestGuard({ names: {} });
  for (
    const url of ["http://hooks.example/", "https://consumer.svc/", "https://hooks.example:22/"]
  ) {
    assert.equal((await guard.judgeUrl(url)).ok, false);
  }
  assert.deepEqual(guard.asked, []);
});
