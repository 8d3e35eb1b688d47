import assert from "node:assert/strict";
import { findNonPublicRange, NON_PUBLIC_RANGES } from "../../../services/egress/public_address.ts";

interface Edges {
  readonly first: string;
  readonly last: string;
  /** The neighbours below and above that lie outside; null where there is none. */
  readonly outside: readonly [below: string | null, above: string | null];
  /** Whether the neighbours are public; two answers where they differ. Default: both are. */
  readonly outsidePublic?: readonly [boolean, boolean];
}

const ALL_ONES = "ffff:ffff:ffff:ffff:ffff:ffff:ffff";
const NEITHER = [false, false] as const;

const EDGES: Readonly<Record<string, Edges>> = {
  "0.0.0.0/8": { first: "0.0.0.0", last: "0.255.255.255", outside: [null, "1.0.0.0"] },
  "10.0.0.0/8": {
    first: "10.0.0.0",
    last: "10.255.255.255",
    outside: ["9.255.255.255", "11.0.0.0"],
  },
  "100.64.0.0/10": {
    first: "100.64.0.0",
    last: "100.127.255.255",
    outside: ["100.63.255.255", "100.128.0.0"],
  },
  "127.0.0.0/8": {
    first: "127.0.0.0",
    last: "127.255.255.255",
    outside: ["126.255.255.255", "128.0.0.0"],
  },
  "169.254.0.0/16": {
    first: "169.254.0.0",
    last: "169.254.255.255",
    outside: ["169.253.255.255", "169.255.0.0"],
  },
  "172.16.0.0/12": {
    first: "172.16.0.0",
    last: "172.31.255.255",
    outside: ["172.15.255.255", "172.32.0.0"],
  },
  "192.0.0.0/24": {
    first: "192.0.0.0",
    last: "192.0.0.255",
    outside: ["191.255.255.255", "192.0.1.0"],
  },
  "192.0.2.0/24": {
    first: "192.0.2.0",
    last: "192.0.2.255",
    outside: ["192.0.1.255", "192.0.3.0"],
  },
  "192.88.99.0/24": {
    first: "192.88.99.0",
    last: "192.88.99.255",
    outside: ["192.88.98.255", "192.88.100.0"],
  },
  "192.168.0.0/16": {
    first: "192.168.0.0",
    last: "192.168.255.255",
    outside: ["192.167.255.255", "192.169.0.0"],
  },
  "198.18.0.0/15": {
    first: "198.18.0.0",
    last: "198.19.255.255",
    outside: ["198.17.255.255", "198.20.0.0"],
  },
  "198.51.100.0/24": {
    first: "198.51.100.0",
    last: "198.51.100.255",
    outside: ["198.51.99.255", "198.51.101.0"],
  },
  "203.0.113.0/24": {
    first: "203.0.113.0",
    last: "203.0.113.255",
    outside: ["203.0.112.255", "203.0.114.0"],
  },
  "224.0.0.0/4": {
    first: "224.0.0.0",
    last: "239.255.255.255",
    outside: ["223.255.255.255", "240.0.0.0"],
    outsidePublic: [true, false],
  },
  "240.0.0.0/4": {
    first: "240.0.0.0",
    last: "255.255.255.255",
    outside: ["239.255.255.255", null],
    outsidePublic: NEITHER,
  },
  "168.63.129.16/32": {
    first: "168.63.129.16",
    last: "168.63.129.16",
    outside: ["168.63.129.15", "168.63.129.17"],
  },
  "::/128": { first: "::", last: "::", outside: [null, "::1"], outsidePublic: NEITHER },
  "::1/128": { first: "::1", last: "::1", outside: ["::", "::2"], outsidePublic: NEITHER },
  "64:ff9b::/96": {
    first: "64:ff9b::",
    last: "64:ff9b::255.255.255.255",
    outside: ["64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::1:0:0"],
    outsidePublic: NEITHER,
  },
  "64:ff9b:1::/48": {
    first: "64:ff9b:1::",
    last: "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
    outside: ["64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::"],
    outsidePublic: NEITHER,
  },
  "100::/64": {
    first: "100::",
    last: "100::ffff:ffff:ffff:ffff",
    outside: [`ff:${ALL_ONES}`, "100:0:0:1::"],
    outsidePublic: NEITHER,
  },
  "2001::/23": {
    first: "2001::",
    last: "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
    outside: [`2000:${ALL_ONES}`, "2001:200::"],
  },
  "2001:db8::/32": {
    first: "2001:db8::",
    last: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    outside: ["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"],
  },
  "2002::/16": {
    first: "2002::",
    last: `2002:${ALL_ONES}`,
    outside: [`2001:${ALL_ONES}`, "2003::"],
  },
  "3fff::/20": {
    first: "3fff::",
    last: "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
    outside: [`3ffe:${ALL_ONES}`, "3fff:1000::"],
  },
  "5f00::/16": {
    first: "5f00::",
    last: `5f00:${ALL_ONES}`,
    outside: [`5eff:${ALL_ONES}`, "5f01::"],
    outsidePublic: NEITHER,
  },
  "fc00::/7": {
    first: "fc00::",
    last: `fdff:${ALL_ONES}`,
    outside: [`fbff:${ALL_ONES}`, "fe00::"],
    outsidePublic: NEITHER,
  },
  "fe80::/10": {
    first: "fe80::",
    last: `febf:${ALL_ONES}`,
    outside: [`fe7f:${ALL_ONES}`, "fec0::"],
    outsidePublic: NEITHER,
  },
  "fec0::/10": {
    first: "fec0::",
    last: `feff:${ALL_ONES}`,
    outside: [`febf:${ALL_ONES}`, "ff00::"],
    outsidePublic: NEITHER,
  },
  "ff00::/8": {
    first: "ff00::",
    last: `ffff:${ALL_ONES}`,
    outside: [`feff:${ALL_ONES}`, null],
    outsidePublic: NEITHER,
  },
  // The rows below hold some of those above, so their edges are chosen where nothing else lies.
  "::/3": {
    first: "::2",
    last: `1fff:${ALL_ONES}`,
    outside: [null, "2000::"],
  },
  "4000::/2": {
    first: "4000::",
    last: `7fff:${ALL_ONES}`,
    outside: [`3fff:${ALL_ONES}`, "8000::"],
    outsidePublic: [true, false],
  },
  "8000::/1": {
    first: "8000::",
    last: `fbff:${ALL_ONES}`,
    outside: [`7fff:${ALL_ONES}`, "fc00::"],
    outsidePublic: NEITHER,
  },
};

const rangeOf = async (ip: string) => (await findNonPublicRange(ip))?.cidr ?? null;
const isPublic = async (ip: string) => await findNonPublicRange(ip) === null;

Deno.test("every range that findNonPublicRange() knows has its edges tested here", () => {
  assert.deepEqual(Object.keys(EDGES), NON_PUBLIC_RANGES.map(({ cidr }) => cidr));
});

for (
  const [cidr, { first, last, outside, outsidePublic = [true, true] }] of Object.entries(EDGES)
) {
  Deno.test(`findNonPublicRange() ends ${cidr} where it ends`, async () => {
    for (const ip of [first, last]) {
      assert.equal(await rangeOf(ip), cidr, ip);
      assert.equal(await isPublic(ip), false, ip);
    }
    for (const [index, ip] of outside.entries()) {
      if (ip === null) continue;
      assert.notEqual(await rangeOf(ip), cidr, ip);
      assert.equal(await isPublic(ip), outsidePublic[index], ip);
    }
  });
}

const JUDGED: readonly [ip: string, isPublic: boolean][] = [
  ["1.1.1.1", true],
  ["8.8.8.8", true],
  ["2606:4700:4700::1111", true],
  ["2A00:1450:4001:80B::200E", true],
  ["::ffff:8.8.8.8", true],
  ["169.254.169.254", false],
  ["fd00:ec2::254", false],
  ["::ffff:127.0.0.1", false],
  ["::ffff:7f00:1", false],
  ["0:0:0:0:0:ffff:a9fe:a9fe", false],
  ["::127.0.0.1", false],
  ["::ffff:0:127.0.0.1", false],
  ["64:ff9b::8.8.8.8", false],
  ["2002:0808:0808::", false],
  ["2001:0:4136:e378:8000:63bf:3fff:fdd2", false],
  ["fe80::1%eth0", false],
];
for (const [ip, expected] of JUDGED) {
  Deno.test(`findNonPublicRange() finds ${expected ? "none" : "one"} for ${ip}`, async () => {
    assert.equal(await isPublic(ip), expected);
  });
}

for (const text of ["", "example.com", "8.8.8.8.8", "[2606::1]", "8.8.8.8/8"]) {
  Deno.test(`findNonPublicRange() throws for ${JSON.stringify(text)}, which is no address`, async () => {
    await assert.rejects(findNonPublicRange(text));
  });
}
