import assert from "node:assert/strict";
import { createRoom } from "../../../services/support/room.ts";

Deno.test("createRoom() takes in what fits, all or nothing, and again what was given back", () => {
  const room = createRoom(3);
  assert.deepEqual([room.take(2), room.take(2), room.take(1), room.take(1)], [
    true,
    false,
    true,
    false,
  ]);
  assert.equal(room.taken, 3);
  room.give(2);
  assert.deepEqual([room.take(2), room.take(0), room.take(1)], [true, true, false]);
});
