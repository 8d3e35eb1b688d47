import faye from "faye";
import { type BayeuxOracle, createPlannedChanges, HELD_MS } from "./oracle.ts";

interface Message {
  readonly channel: string;
  error?: string;
}

/** Faye, whose numbers for errors are others than CometD's: 401 is an unknown client, 402 a missing parameter. */
export function createFayeOracle(): BayeuxOracle {
  const planned = createPlannedChanges();
  const old: ReturnType<typeof start>[] = [];
  let refused = { handshakes: false, subscriptions: false };
  let endsNext = false;
  let current = start();

  function start() {
    const clients = new Set<string>();
    const adapter = new faye.NodeAdapter({ mount: "/", timeout: HELD_MS / 1_000 });
    adapter.addExtension({
      incoming(message: Message, pass: (message: Message) => void) {
        if (refused.handshakes && message.channel === "/meta/handshake") {
          message.error = "401::Authentication invalid";
        }
        if (refused.subscriptions && message.channel === "/meta/subscribe") {
          message.error = "403:/v2/me/*:Forbidden channel";
        }
        pass(message);
      },
      outgoing(message: Message, request: unknown, pass: (message: Message) => void) {
        // What it tells by a client of its own has no request, and is none of ours.
        if (request !== null) planned.apply(message);
        pass(message);
      },
    });
    adapter.on("disconnect", (clientId: string) => clients.delete(clientId));
    // By its engine: there is no other way to end a client.
    const destroy = (clientId: string) => adapter._server._engine.destroyClient(clientId);
    adapter.on("handshake", (clientId: string) => {
      if (endsNext) {
        endsNext = false;
        destroy(clientId);
      } else clients.add(clientId);
    });
    return { adapter, clients, destroy };
  }

  return {
    handle: (request, response) => current.adapter.handle(request, response),
    publish: (channel, data) => void current.adapter.getClient().publish(channel, data),
    forget() {
      old.push(current);
      current = start();
    },
    endSessions() {
      for (const clientId of [...current.clients]) current.destroy(clientId);
    },
    endNextAtHandshake: () => void (endsNext = true),
    changeNext: planned.add,
    changeNothing: planned.clear,
    refuse: (what) => void (refused = { ...refused, ...what }),
    close() {
      for (const { adapter } of [...old, current]) {
        adapter._client?.disconnect();
        adapter.close();
      }
    },
  };
}
