/** Every row of the table in docs/following.md that a real Bayeux server can be brought to, against two of them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createHurriedClock } from "../../../support/hurried_clock.ts";
import { PASSWORD, withFollowedCentre } from "../followed_centre.ts";
import { following } from "../following.ts";
import { createCometdOracle } from "./cometd_oracle.ts";
import { createFayeOracle } from "./faye_oracle.ts";
import type { BayeuxOracle } from "./oracle.ts";

const COMETD_PATH = "/api/v2/notifications";
/** A probe after half a minute is one after three seconds. */
const HURRY = 10;

type Told = readonly ["session_lost" | "refused" | "turned_down" | "failed", RegExp];

interface Row {
  readonly says: string;
  act(oracle: BayeuxOracle): void;
  /** What the log tells of it, and its reason. */
  readonly cometd: Told;
  readonly faye: Told;
  /** Where it does not pass by itself. */
  lift?(oracle: BayeuxOracle): void;
}

const NONE = { advice: { reconnect: "none" } } as const;

/** Has the next session begin now. */
function renewing(act: (oracle: BayeuxOracle) => void): (oracle: BayeuxOracle) => void {
  return (oracle) => {
    act(oracle);
    oracle.forget();
  };
}

const ROWS: readonly Row[] = [
  {
    says: "forgets the session",
    act: (oracle) => oracle.forget(),
    cometd: ["session_lost", /^\/meta\/connect: 402::session_unknown$/],
    faye: ["session_lost", /^\/meta\/connect: 401:\w+:Unknown client$/],
  },
  {
    says: "ends the session by itself",
    act: (oracle) => oracle.endSessions(),
    cometd: ["session_lost", /^the server ended the session$/],
    faye: ["session_lost", /^\/meta\/connect: 401:\w+:Unknown client$/],
  },
  {
    says: "has forgotten the session when it is to subscribe",
    act: renewing((oracle) => oracle.endNextAtHandshake()),
    cometd: ["session_lost", /^\/meta\/subscribe: 402::session_unknown$/],
    faye: ["session_lost", /^\/meta\/subscribe: 401:\w+:Unknown client$/],
  },
  {
    says: "denies handshakes for a while",
    act: renewing((oracle) => oracle.refuse({ handshakes: true })),
    cometd: ["refused", /^\/meta\/handshake: 403::handshake_denied$/],
    faye: ["turned_down", /^\/meta\/handshake: 401::Authentication invalid$/],
    lift: (oracle) => oracle.refuse({ handshakes: false }),
  },
  {
    says: "denies subscriptions for a while",
    act: renewing((oracle) => oracle.refuse({ subscriptions: true })),
    cometd: [
      "turned_down",
      /^no subscription was granted \(\/meta\/subscribe: 403::subscribe_denied\)$/,
    ],
    faye: [
      "turned_down",
      /^no subscription was granted \(\/meta\/subscribe: 403:\/v2\/me\/\*:Forbidden channel\)$/,
    ],
    lift: (oracle) => oracle.refuse({ subscriptions: false }),
  },
  {
    says: "advises none on a successful connect",
    act: (oracle) => oracle.changeNext("/meta/connect", NONE),
    cometd: ["refused", /^advice none on \/meta\/connect$/],
    faye: ["refused", /^advice none on \/meta\/connect$/],
  },
  {
    says: "advises none on a successful subscription",
    act: renewing((oracle) => oracle.changeNext("/meta/subscribe", NONE)),
    cometd: ["refused", /^advice none on \/meta\/subscribe$/],
    faye: ["refused", /^advice none on \/meta\/subscribe$/],
  },
  {
    says: "advises none with 402 on connect",
    act: (oracle) =>
      oracle.changeNext("/meta/connect", {
        successful: false,
        error: "402::Unknown client",
        ...NONE,
      }),
    cometd: ["session_lost", /^\/meta\/connect: 402::Unknown client$/],
    faye: ["session_lost", /^\/meta\/connect: 402::Unknown client$/],
  },
  {
    says: "advises none with 401 on connect",
    act: (oracle) =>
      oracle.changeNext("/meta/connect", {
        successful: false,
        error: "401::Authentication invalid",
        ...NONE,
      }),
    cometd: ["refused", /^\/meta\/connect: 401::Authentication invalid$/],
    faye: ["refused", /^\/meta\/connect: 401::Authentication invalid$/],
  },
  {
    says: "advises a handshake on a successful connect",
    act: (oracle) => oracle.changeNext("/meta/connect", { advice: { reconnect: "handshake" } }),
    cometd: ["session_lost", /^advice handshake on \/meta\/connect$/],
    faye: ["session_lost", /^advice handshake on \/meta\/connect$/],
  },
  {
    says: "is busy when it is to subscribe",
    act: renewing((oracle) =>
      oracle.changeNext("/meta/subscribe", { successful: false, error: "500::busy" })
    ),
    cometd: ["failed", /^\/meta\/subscribe: 500::busy$/],
    faye: ["failed", /^\/meta\/subscribe: 500::busy$/],
  },
  {
    says: "advises none on a notification, and nothing on the connects after it",
    act(oracle) {
      oracle.changeNext("/v2/me/smssessions", NONE);
      for (let i = 0; i < 2; i++) oracle.changeNext("/meta/connect", { advice: undefined });
      oracle.publish("/v2/me/smssessions", { notificationType: "None" });
    },
    cometd: ["refused", /^advice none on \/meta\/connect$/],
    faye: ["refused", /^advice none on \/meta\/connect$/],
  },
  {
    says: "is busy at every connect, and advises to retry",
    act(oracle) {
      const busy = { successful: false, error: "500::busy", advice: { reconnect: "retry" } };
      for (let i = 0; i < 100; i++) oracle.changeNext("/meta/connect", busy);
    },
    cometd: ["session_lost", /^no connect succeeded for \d+ ms$/],
    faye: ["session_lost", /^no connect succeeded for \d+ ms$/],
    lift: (oracle) => oracle.changeNothing(),
  },
];

for (
  const [name, create] of [["cometd", createCometdOracle], ["faye", createFayeOracle]] as const
) {
  for (const row of ROWS) {
    Deno.test(`${name} ${row.says}: following comes back, hears what comes and has what it missed`, () =>
      survive(create(), row, row[name]));
  }
}

async function survive(oracle: BayeuxOracle, row: Row, [event, reason]: Told): Promise<void> {
  await withFollowedCentre(async (followed) => {
    const { centre, subscriber, log, live, until, messages } = followed;
    await using front = await startFront(oracle, centre.url);
    const follower = await subscriber({
      url: front.url,
      clock: createHurriedClock(HURRY),
      leaseTimes: { leaseMs: 200_000, marginMs: 20_000, renewEveryMs: 70_000 },
    });
    const { id } = centre.addSession({ customer: { nickname: "P" }, agentId: "agent-1" });
    await followed.accepted("agent-1", id);
    follower.follow(following("agent-1"));
    await live("agent-1");
    const indexes = () => centre.sessions.find((each) => each.id === id)?.messages ?? [];
    const allTold = () => until(async () => (await messages(id)).length >= indexes().length);
    centre.customerTexts(id, "heard");
    await allTold();

    row.act(oracle);
    await until(() =>
      log.of(`subscriber.${event}`).some(({ fields }) => reason.test(String(fields["reason"])))
    );
    centre.customerTexts(id, "missed");
    row.lift?.(oracle);
    const times = log.of("subscriber.live").length + (follower.state.live === 1 ? 0 : 1);
    await live("agent-1", Math.max(2, times));
    await allTold();
    centre.customerTexts(id, "heard again");
    await allTold();

    assert.deepEqual(
      (await messages(id)).map(({ index }) => index),
      indexes().map(({ index }) => index),
    );
    assert.deepEqual(follower.state.refused, []);
    await follower.stop();
  }, {
    agents: [{ agentId: "agent-1", password: PASSWORD }],
    notify: (notification) => oracle.publish("/v2/me/smssessions", notification),
  });
}

/** The contact centre's REST API, with the oracle in the place of its CometD. */
async function startFront(oracle: BayeuxOracle, centreUrl: string) {
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    if (path.startsWith(COMETD_PATH)) return oracle.handle(request, response);
    const { authorization = "" } = request.headers;
    const answer = await fetch(centreUrl + path, { headers: { authorization } });
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(await answer.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      oracle.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
