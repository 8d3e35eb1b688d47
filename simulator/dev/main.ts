import { parseArgs } from "node:util";
import { createLogger, type LogValue } from "../../services/support/log.ts";
import { readPort, runProgram, say } from "../kit/program.ts";
import type { Simulator } from "../kit/simulator.ts";
import {
  playStory,
  showDelivery,
  showHook,
  showMessage,
  showNotification,
  showUpstream,
} from "./story.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import { startWorld, type World } from "./world.ts";

const HELP = `Patchbay with a simulated contact centre, a simulated Twilio and a webhook consumer.
Plays the documented Accept and a short conversation, then stays up to be tried by hand.

  deno task dev [options]

  --once         play it and exit: status 0 only if everything arrived
  --port N       where Patchbay listens (default 8000, or any free port with --once)
  --verbose      show Patchbay's own log too
  --help         show this`;

async function start(args: readonly string[]): Promise<Simulator | null> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: "boolean", default: false },
      port: { type: "string" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    say(HELP);
    return null;
  }
  const timeline = createTimeline({ now: Date.now, write: say });
  let byHand = false;
  const ownLog = createLogger({
    level: values.verbose ? "debug" : "error",
    format: "pretty",
    now: Date.now,
    write: say,
  });
  const world = await startWorld({
    port: readPort(values.port ?? (values.once ? "0" : "8000")),
    log: {
      ...ownLog,
      info(event, fields) {
        if (byHand && event === "http.request") showRequest(timeline, fields ?? {});
        ownLog.info(event, fields);
      },
    },
    onUpstream: (request) => showUpstream(timeline, request),
    onNotification: (notification) => showNotification(timeline, notification),
    onDelivery: (delivery) => showDelivery(timeline, delivery),
    onMessage: (message) => showMessage(timeline, message),
    onHook: (call) => showHook(timeline, call),
  });
  try {
    await playStory(world, timeline);
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
  if (values.once) {
    await world[Symbol.asyncDispose]();
    timeline.heading("Everything arrived.");
    return null;
  }
  await invite(world, timeline);
  byHand = true;
  const close = async () => await world[Symbol.asyncDispose]();
  return { url: world.patchbay.url, close, [Symbol.asyncDispose]: close };
}

/** A request that somebody made by hand, as Patchbay's own log tells it. */
function showRequest(timeline: Timeline, fields: Record<string, LogValue>): void {
  const { method, route, id, status, problem, agentId } = fields;
  const path = String(route ?? "(no such route)").replace(":id", String(id ?? ":id"));
  timeline.entry(
    `${agentId ?? "somebody"} → Patchbay`,
    `${method} ${path} → ${status}${problem === undefined ? "" : ` ${problem}`}`,
  );
}

/** The lines to go on by hand. */
async function invite(world: World, timeline: Timeline): Promise<void> {
  const { id: sessionId } = world.contactCentre.addSession({
    customer: { nickname: "PersonQ", phone: "+12025550187" },
  });
  const { url } = world.patchbay;
  timeline.heading(
    `Now by hand. Patchbay listens at ${url}; what happens shows up here. Ctrl-C ends it.`,
  );
  const json = "-H 'content-type: application/json'";
  for (
    const line of [
      `TOKEN=${await world.tokenOf("john.doe")}`,
      `OTHER=${await world.tokenOf("jane.roe")}`,
      `S=${url}/api/v2/me/smssessions/${sessionId}`,
      "",
      "# accept it; as somebody else it is refused",
      `curl -w '\\n' $S -H "authorization: Bearer $TOKEN" ${json} -d '{"operationName":"Accept","nickname":"John"}'`,
      `curl -w '\\n' $S -H "authorization: Bearer $OTHER" ${json} -d '{"operationName":"Accept","nickname":"Jane"}'`,
      "",
      "# write to the customer: an SMS leaves",
      `curl -w '\\n' $S -H "authorization: Bearer $TOKEN" ${json} -d '{"operationName":"SendMessage","text":"Hello"}'`,
      "",
      "# the customer answers by SMS",
      `curl -w '\\n' ${world.twilio.url}/control/texts -d '{"from":"+12025550187","body":"Hello?"}'`,
      "",
      "# what happened in the session, and which texts left",
      `curl -w '\\n' "${url}/v1/events?session=${sessionId}" -H "authorization: Bearer $TOKEN"`,
      `curl -w '\\n' "${url}/v1/deliveries?webhook=sms" -H "authorization: Bearer $TOKEN"`,
      "",
    ]
  ) timeline.text(line);
}

await runProgram(start);
