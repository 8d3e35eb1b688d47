import assert from "node:assert/strict";
import { egressEntry } from "../../../services/config/address_parsers.ts";
import { parseEgressAllow } from "../../../services/egress/egress.ts";
import { createTestGuard } from "../../support/egress_guard.ts";

const { judgeUrl } = await createTestGuard();

const TAKEN: readonly [url: string, href: string][] = [
  ["https://hooks.example", "https://hooks.example/"],
  ["https://hooks.example:443/in?key=1", "https://hooks.example/in?key=1"],
  ["https://hooks.example:8443/in", "https://hooks.example:8443/in"],
  ["HTTPS://Hooks.Example./in", "https://hooks.example/in"],
  ["https://bücher.example/", "https://xn--bcher-kva.example/"],
  ["https://8.8.8.8/", "https://8.8.8.8/"],
  ["https://[2606:4700:4700::1111]:8443/", "https://[2606:4700:4700::1111]:8443/"],
  ["https://[::ffff:8.8.8.8]/", "https://[::ffff:808:808]/"],
  ["https://notlocalhost.example/", "https://notlocalhost.example/"],
  ["https://mylocal.example/", "https://mylocal.example/"],
  ["https://local.example/", "https://local.example/"],
  ["https://svc.example/", "https://svc.example/"],
  ["https://corp.home.example/", "https://corp.home.example/"],
  ["https://mylan.nyc/", "https://mylan.nyc/"],
  ["https://10.example/", "https://10.example/"],
];
for (const [url, href] of TAKEN) {
  Deno.test(`a webhook may have the URL ${url} which is ${href}`, async () => {
    const verdict = await judgeUrl(url);
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.equal(verdict.url.href, href);
  });
}

const loopback = "Cannot use the webhook host 127.0.0.1: expected a public address, " +
  "this one is loopback (RFC 1122); EGRESS_ALLOW can allow it";
const REFUSED: readonly [url: string, reason: string | RegExp][] = [
  ["", "Cannot use the webhook URL: expected an absolute https URL"],
  ["hooks.example/in", "Cannot use the webhook URL: expected an absolute https URL"],
  ["https://", "Cannot use the webhook URL: expected an absolute https URL"],
  ["https://hooks.example:65536/", "Cannot use the webhook URL: expected an absolute https URL"],
  ["https://1.2.3.4.5/", "Cannot use the webhook URL: expected an absolute https URL"],
  ["https://[fe80::1%25eth0]/", "Cannot use the webhook URL: expected an absolute https URL"],
  [
    "http://hooks.example/",
    "Cannot use a webhook URL of the scheme http: expected https; EGRESS_ALLOW can allow it",
  ],
  ["ftp://hooks.example/", "Cannot use a webhook URL of the scheme ftp: expected https"],
  ["file:///etc/passwd", "Cannot use a webhook URL of the scheme file: expected https"],
  ["javascript:alert(1)", "Cannot use a webhook URL of the scheme javascript: expected https"],
  ["https://user@hooks.example/", /with credentials/],
  ["https://:secret@hooks.example/", /with credentials/],
  ["https://hooks.example/#in", /with a fragment/],
  ["https://hooks.example/#", /with a fragment/],
  [
    "https://hooks.example:80/",
    "Cannot use the webhook port 80: expected 443 or 8443; EGRESS_ALLOW can allow it",
  ],
  [
    "https://hooks.example:22/",
    "Cannot use the webhook port 22: expected 443 or 8443; EGRESS_ALLOW can allow it",
  ],
  [
    "https://hooks.example:8444/",
    "Cannot use the webhook port 8444: expected 443 or 8443; EGRESS_ALLOW can allow it",
  ],
  [
    "https://hooks.example:0/",
    "Cannot use the webhook port 0: expected 443 or 8443; EGRESS_ALLOW can allow it",
  ],
  ["https://./", 'Cannot use the webhook host ".": expected a host name'],
  ["https://hooks..example/", 'Cannot use the webhook host "hooks..example": expected a host name'],
  [
    "https://hooks.example../",
    'Cannot use the webhook host "hooks.example.": expected a host name',
  ],
  ...[
    "localhost",
    "LOCALHOST.",
    "api.localhost",
    "printer.local",
    "printer.LOCAL.",
    "internal",
    "mylocal",
    "com",
    "consumer.prod.svc",
    "consumer.prod.svc.cluster.local",
    "consumer.prod.svc.cluster",
    "nas.lan",
    "NAS.LAN.",
    "router.home.arpa",
    "1.0.0.10.in-addr.arpa",
    "wiki.corp",
    "wiki.intranet",
    "wiki.private",
    "tv.home",
    "mx.mail",
    "host.docker.internal",
    "machine.localdomain",
    "hidden.onion",
    "a.alt",
    "nas.ｌａｎ",
    "nas。lan",
    "n%61s.l%61n",
  ]
    .map(
      (
        host,
      ): [string, RegExp] => [
        `https://${host}/`,
        /expected a public name, this one is local; EGRESS_ALLOW can allow it$/,
      ],
    ),
  [
    "https://metadata.google.internal/",
    /expected a public name, this one is local; EGRESS_ALLOW can allow it$/,
  ],
  // Spellings of 127.0.0.1 that resolvers and the URL parser understand.
  ...[
    "127.0.0.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "127.1",
    "0177.0.0.1",
    "%31%32%37.0.0.1",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "127。0。0。1",
  ].map((host): [string, string] => [`https://${host}/`, loopback]),
  ["https://127.0.0.1:8443/", loopback],
  ["https://[::ffff:127.0.0.1]/", /host ::ffff:7f00:1: .*loopback/],
  ["https://[0:0:0:0:0:ffff:7f00:1]/", /host ::ffff:7f00:1: .*loopback/],
  ["https://[::1]/", /host ::1: .*loopback/],
  ["https://[::]/", /unspecified/],
  ["https://[::127.0.0.1]/", /not global unicast/],
  ["https://0/", /host 0.0.0.0: .*this network/],
  ["https://10.0.0.1/", /private/],
  ["https://172.31.255.255/", /private/],
  ["https://192.168.1.1/", /private/],
  ["https://169.254.169.254/latest/meta-data", /cloud metadata/],
  ["https://[fd00:ec2::254]/", /cloud metadata/],
  ["https://[fe80::1]/", /link-local/],
  ["https://[64:ff9b::7f00:1]/", /NAT64/],
  ["https://[2002:7f00:1::]/", /6to4/],
  ["https://255.255.255.255/", /broadcast/],
];
for (const [url, reason] of REFUSED) {
  Deno.test(`no webhook may have the URL ${JSON.stringify(url)}`, async () => {
    const verdict = await judgeUrl(url);
    assert.ok(!verdict.ok, "it was taken");
    if (typeof reason === "string") assert.equal(verdict.reason, reason);
    else assert.match(verdict.reason, reason);
    assert.doesNotMatch(verdict.reason, /secret|\.$/);
  });
}

const ALLOW = [
  "10.0.0.0/8",
  "127.0.0.1",
  "fd00::/8",
  "::1",
  "localhost",
  "Hub.internal",
  "*.lan.example",
];
const WITH_ALLOW: readonly [url: string, taken: boolean][] = [
  ["http://10.1.2.3:9000/in", true],
  ["https://10.255.255.255/", true],
  ["http://[::ffff:10.1.2.3]:9000/", true],
  ["http://127.0.0.1:1/", true],
  ["http://0x7f.1/", true],
  ["http://[fd12::1]:80/", true],
  ["http://[::1]:8000/", true],
  ["http://localhost:3000/", true],
  ["http://LOCALHOST.:3000/", true],
  ["http://hub.internal/", true],
  ["http://a.lan.example:81/", true],
  ["http://a.b.lan.example/", true],
  ["https://hooks.example/", true],
  ["https://11.0.0.1/", true],
  // What is allowed for one host is not for its neighbours.
  ["http://11.0.0.1/", false],
  ["http://127.0.0.2/", false],
  ["https://[fc00::1]/", false],
  ["https://[::2]/", false],
  ["http://lan.example/", false],
  ["http://evil-lan.example/", false],
  ["http://hub.internal.example/", false],
  ["http://x.hub.internal/", false],
  ["http://a.localhost/", false],
  ["https://hooks.example:9000/", false],
  // These three no entry lifts.
  ["ftp://localhost/", false],
  ["http://user@localhost/", false],
  ["http://localhost/#", false],
];
for (const [url, taken] of WITH_ALLOW) {
  Deno.test(`${taken ? "a" : "no"} webhook may have the URL ${url} with ${ALLOW.join()}`, async () => {
    const { judgeUrl } = await createTestGuard({ allow: ALLOW });
    assert.equal((await judgeUrl(url)).ok, taken);
  });
}

for (const allow of [["127.0.0.0/8"], ["::1"], ["localhost"]]) {
  Deno.test(`a webhook may be at localhost with ${allow.join()}`, async () => {
    const { judgeUrl } = await createTestGuard({ allow });
    assert.ok((await judgeUrl("http://localhost:3000/")).ok);
  });
}

Deno.test("parseEgressAllow() reads every form of entry that the configuration takes", async () => {
  const entries = [
    "0.0.0.0/0",
    "::/0",
    "10.0.0.1/8",
    "::ffff:10.0.0.0/104",
    "192.168.1.7",
    "FD00::1",
  ]
    .map((entry) => egressEntry.parse(entry) ?? assert.fail(entry));
  const everything = await parseEgressAllow(entries);
  assert.ok(everything.hasAddress("8.8.8.8"));
  assert.ok(everything.hasAddress("fe80::1"));
});

Deno.test("parseEgressAllow() throws on a CIDR that cannot be read", async () => {
  await assert.rejects(parseEgressAllow(["10.0.0.0/99"]));
});

Deno.test("parseEgressAllow() without entries allows nothing", async () => {
  const nobody = await parseEgressAllow([]);
  assert.equal(nobody.hasHost("localhost"), false);
  assert.equal(nobody.hasAddress("127.0.0.1"), false);
});
