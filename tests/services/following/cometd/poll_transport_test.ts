import assert from "node:assert/strict";
import { createPollTransport } from "../../../../services/following/cometd/poll_transport.ts";

for (const isConnect of [true, false]) {
  Deno.test(`a client that throws over a reply to ${isConnect ? "a connect" : "another message"} breaks its session and not the process`, async () => {
    const { promise: broken, resolve: onBroken } = Promise.withResolvers<unknown>();
    const transport = createPollTransport({
      poll: () => Promise.resolve({ ok: true, messages: [], malformed: 0 }),
      onMalformed() {},
      onFarewell() {},
      onBroken,
    });

    transport.send({
      url: "http://127.0.0.1:9/api/v2/notifications",
      messages: [],
      onSuccess() {
        throw new TypeError("stumbled");
      },
      onFailure() {},
    }, isConnect);

    assert.equal(String(await broken), "TypeError: stumbled");
  });
}
