/** The inbox in which the simulators keep what arrives: what can be awaited of it, and how a wait ends. */
import assert from "node:assert/strict";
import { createInbox } from "../../../simulator/kit/inbox.ts";

interface Item {
  readonly name: string;
}

Deno.test("received() resolves with the nth item, arrived or still to come", async () => {
  const inbox = createInbox<Item>("item");
  const second = inbox.received(2);
  inbox.add({ name: "a" });
  inbox.add({ name: "b" });
  assert.deepEqual(await second, { name: "b" });
  assert.deepEqual(await inbox.received(1), { name: "a" });
});

Deno.test("waitFor() resolves with the first item that the predicate accepts", async () => {
  const inbox = createInbox<Item>("item");
  const wanted = inbox.waitFor(({ name }) => name === "b");
  inbox.add({ name: "a" });
  inbox.add({ name: "b" });
  assert.deepEqual(await wanted, { name: "b" });
  assert.deepEqual(await inbox.waitFor(({ name }) => name < "c"), { name: "a" });
});

Deno.test("until() resolves with what is found among the items as soon as it is there", async () => {
  const inbox = createInbox<Item>("item");
  const names = inbox.until(
    "two items",
    (items) => items.length === 2 ? items.map(({ name }) => name) : undefined,
  );
  inbox.add({ name: "a" });
  inbox.add({ name: "b" });
  assert.deepEqual(await names, ["a", "b"]);
  assert.equal(await inbox.until("an item", (items) => items[0]?.name), "a");
});

Deno.test("until() rejects with what its look throws", async () => {
  const inbox = createInbox<Item>("item");
  const failing = inbox.until("nothing", (items) => {
    if (items.length > 0) throw new Error("it is not readable");
  });
  inbox.add({ name: "a" });
  await assert.rejects(failing, /it is not readable/);
});

Deno.test("a wait that fails shows what arrived where the inbox can describe it", async () => {
  const inbox = createInbox<Item>("item", { describe: ({ name }) => name });
  inbox.add({ name: "a" });
  inbox.add({ name: "b" });
  await assert.rejects(inbox.until("c", () => undefined, { timeoutMs: 1 }), {
    message: "Cannot wait for c: not within 1 ms, 2 arrived\n  a\n  b",
  });
});

Deno.test("a wait ends by itself and says how many came", async () => {
  const inbox = createInbox<Item>("item");
  inbox.add({ name: "a" });
  await assert.rejects(inbox.received(2, { timeoutMs: 1 }), {
    message: "Cannot wait for item 2: not within 1 ms, 1 arrived",
  });
});

Deno.test("closing ends every wait", async () => {
  const inbox = createInbox<Item>("item");
  const waits = [inbox.received(1), inbox.waitFor(() => true)];
  inbox.close();
  for (const wait of waits) await assert.rejects(wait, /the simulator was closed/);
});

Deno.test("a closed inbox still hands out what has arrived, and waits for nothing more", async () => {
  const inbox = createInbox<Item>("item");
  inbox.add({ name: "a" });
  inbox.close("the program has ended");
  assert.deepEqual(await inbox.received(1), { name: "a" });
  await assert.rejects(inbox.received(2), /the program has ended/);
});

Deno.test("a wait that nobody looks at any more fails no test when the inbox closes", () => {
  const inbox = createInbox<Item>("item");
  inbox.received(1);
  inbox.close();
});
