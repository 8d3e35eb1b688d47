import assert from "node:assert/strict";
import {
  createKnownSessions,
  ECHO_MS,
} from "../../../../services/following/resync/known_sessions.ts";

function clockAt(startMs: number) {
  let nowMs = startMs;
  return { now: () => nowMs, pass: (ms: number) => nowMs += ms };
}

Deno.test("what was asked for just before is an echo when it is told, for a while", () => {
  const clock = clockAt(0);
  const known = createKnownSessions(clock);
  known.note("S1", "Chatting", "asked");
  assert.equal(known.isEcho("S1", "Chatting"), true);
  assert.equal(known.isEcho("S1", "LeftChat"), false);
  assert.equal(known.isEcho("S2", "Chatting"), false);
  clock.pass(ECHO_MS + 1);
  assert.equal(known.isEcho("S1", "Chatting"), false);
});

Deno.test("what was told is no echo of itself", () => {
  const known = createKnownSessions(clockAt(0));
  known.note("S1", "Chatting", "told");
  assert.equal(known.isEcho("S1", "Chatting"), false);
});

Deno.test("a state told with a number that the answer did not have is no echo", () => {
  const known = createKnownSessions(clockAt(0));
  known.note("S1", "Chatting", "asked");
  assert.equal(known.isEcho("S1", "Chatting", "+16501110001"), false);
  known.note("S2", "Chatting", "asked", "+16501110001");
  assert.equal(known.isEcho("S2", "Chatting", "+16501110001"), true);
  assert.equal(known.isEcho("S2", "Chatting", "+16501110002"), false);
  assert.equal(known.isEcho("S2", "Chatting"), true);
});
