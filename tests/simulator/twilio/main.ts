import { parseArgs } from "node:util";
import { readPort, runProgram, say } from "../kit/program.ts";
import type { TwilioMessage } from "./message.ts";
import { startTwilio, type Twilio } from "./server.ts";

const HELP = `A simulated Twilio: sends nothing, keeps every message in memory, on loopback.

  deno run -A tests/simulator/twilio/main.ts [flags]

  --port N            where to listen (default 0: any free port)
  --account-sid SID   account that may call (default: a made-up one, printed)
  --auth-token TOKEN  its token (default: a made-up one, printed)
  --help              this text

Point TWILIO_API_URL at it. The magic numbers of Twilio's test credentials work: to +15005550004, for one, is refused
with 21610. It prints each message, and stops on SIGINT or SIGTERM.`;

async function start(args: readonly string[]): Promise<Twilio | null> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "0" },
      "account-sid": { type: "string" },
      "auth-token": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) {
    say(HELP);
    return null;
  }
  const accountSid = flags["account-sid"];
  const authToken = flags["auth-token"];
  const twilio = await startTwilio({
    port: readPort(flags.port),
    ...(accountSid === undefined ? {} : { accountSid }),
    ...(authToken === undefined ? {} : { authToken }),
    onMessage: (message) => say(describe(message)),
  });
  say(`twilio listening on ${twilio.url}`);
  if (accountSid === undefined) say(`account SID ${twilio.accountSid}`);
  if (authToken === undefined) say(`auth token ${twilio.authToken}`);
  return twilio;
}

function describe({ sid, from, messagingServiceSid, to, body }: TwilioMessage): string {
  return `message ${sid} from ${from ?? messagingServiceSid} to ${to}: ${body}`;
}

if (import.meta.main) await runProgram(start);
