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

Deno.test("a wait that nobody looks at any more fails no test when the inbox closes", () => {
  const inbox = createInbox<Item>("item");
  inbox.received(1);
  inbox.close();
});
