// The package is CommonJS and makes its exports in a function, so only the default import finds them.
import cometdServer, { type CometDServer, type ServerSession } from "cometd-nodejs-server";
import { type BayeuxOracle, createPlannedChanges, HELD_MS } from "./oracle.ts";

/** `cometd-nodejs-server`, by the people who made CometD's client. */
export function createCometdOracle(): BayeuxOracle {
  const planned = createPlannedChanges();
  const old: CometDServer[] = [];
  let refused = { handshakes: false, subscriptions: false };
  let endsNext = false;
  let sessions = new Set<ServerSession>();
  let server = start();

  function start(): CometDServer {
    const started = cometdServer.createCometDServer({ timeout: HELD_MS, maxInterval: 10_000 });
    const own = new Set<ServerSession>();
    sessions = own;
    started.policy = {
      canHandshake: (_session, _message, answer) => answer(undefined, !refused.handshakes),
      canSubscribe: (_session, _message, _channel, answer) =>
        answer(undefined, !refused.subscriptions),
    };
    started.addListener("sessionAdded", (session: ServerSession) => {
      own.add(session);
      if (!endsNext) return;
      endsNext = false;
      // Once the handshake is answered.
      queueMicrotask(() => session.disconnect());
    });
    started.addListener("sessionRemoved", (session: ServerSession) => own.delete(session));
    started.addExtension({
      outgoing(_server, _sender, _session, message, answer) {
        planned.apply(message);
        answer(undefined, true);
      },
    });
    return started;
  }

  return {
    handle: (request, response) => server.handle(request, response),
    publish: (channel, data) => server.createServerChannel(channel).publish(null, data),
    forget() {
      // It goes on to hold the connect that it holds: the client hears of it with the next one.
      old.push(server);
      server = start();
    },
    endSessions() {
      for (const session of sessions) {
        let isOver = false;
        // While it holds a connect: that is then answered with a farewell.
        session.addListener("suspended", () => {
          if (!isOver) queueMicrotask(() => session.disconnect());
          isOver = true;
        });
      }
    },
    endNextAtHandshake: () => void (endsNext = true),
    changeNext: planned.add,
    changeNothing: planned.clear,
    refuse: (what) => void (refused = { ...refused, ...what }),
    close() {
      for (const each of [...old, server]) each.close();
    },
  };
}
