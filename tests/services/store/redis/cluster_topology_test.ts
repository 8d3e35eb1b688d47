import assert from "node:assert/strict";
import {
  firstKeyOf,
  hostOf,
  movedTo,
  readTopology,
  slotOf,
} from "../../../../services/store/redis/cluster_topology.ts";

// The first is the specification's own vector (CRC16 is 31C3); all are what CLUSTER KEYSLOT of Redis 7 answers.
const SLOTS: readonly (readonly [key: string, slot: number])[] = [
  ["123456789", 0x31c3],
  ["", 0],
  ["foo", 12182],
  ["pb:{0}:s:1", 13907],
  ["pb:{1}:", 9842],
  ["pb:{2}:", 5649],
  ["{user1000}.following", 3443],
  ["foo{}{bar}", 8363],
  ["foo{{bar}}zap", 4015],
  ["foo{bar}{zap}", 5061],
  ["Zoë", 11596],
];

for (const [key, slot] of SLOTS) {
  Deno.test(`slotOf() puts ${JSON.stringify(key)} into slot ${slot}`, () => {
    assert.equal(slotOf(key), slot);
  });
}

const KEYS: readonly (readonly [command: string, key: string | null])[] = [
  ["GET k", "k"],
  ["HMGET k a b", "k"],
  ["EVALSHA f00 1 k a", "k"],
  ["eval text 1 k a", "k"],
  ["EVAL text 0 a", null],
  ["PING", null],
];

for (const [command, key] of KEYS) {
  Deno.test(`firstKeyOf() finds ${key ?? "no key"} in ${command}`, () => {
    assert.equal(firstKeyOf(command.split(" ")), key);
  });
}

Deno.test("readTopology() tells all nodes, and which master serves a slot", () => {
  const topology = readTopology([
    [0, 100, ["10.0.0.1", 6379, "a"], ["10.0.0.2", 6380, "b", []]],
    [101, 16_382, ["node-c.example", 6381, "c"]],
  ], "asked");

  assert.deepEqual(topology?.nodes, ["10.0.0.1:6379", "10.0.0.2:6380", "node-c.example:6381"]);
  assert.deepEqual([0, 100, 101, 16_382, 16_383].map(topology?.ownerOf ?? String), [
    "10.0.0.1:6379",
    "10.0.0.1:6379",
    "node-c.example:6381",
    "node-c.example:6381",
    null,
  ]);
});

for (const nameless of [null, "", "?"]) {
  Deno.test(`readTopology() takes a node named ${JSON.stringify(nameless)} to be the one that was asked`, () => {
    const topology = readTopology([[0, 16_383, [nameless, 6379, "a"]]], "asked.example");
    assert.deepEqual(topology?.nodes, ["asked.example:6379"]);
  });
}

Deno.test("readTopology() sees that a reply is none of a cluster", () => {
  assert.equal(
    readTopology(new Error("ERR This instance has cluster support disabled"), "h"),
    null,
  );
  assert.equal(readTopology("PONG", "h"), null);
  assert.deepEqual(readTopology([], "h")?.nodes, []);
});

Deno.test("movedTo() reads where a command belongs, and nothing else", () => {
  assert.equal(movedTo("MOVED 3999 127.0.0.1:6381", "h"), "127.0.0.1:6381");
  assert.equal(movedTo("MOVED 3999 ::1:6381", "h"), "::1:6381");
  assert.equal(movedTo("MOVED 3999 :6381", "asked.example"), "asked.example:6381");
  assert.equal(movedTo("ASK 3999 127.0.0.1:6381", "h"), null);
  assert.equal(hostOf("::1:6381"), "::1");
});
