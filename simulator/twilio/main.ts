import { runProgram, say } from "../kit/program.ts";
import { HELP, readFlags } from "./flags.ts";
import type { HookAttempt, HookCall } from "./hook_caller.ts";
import type { CustomerReply } from "./inbound.ts";
import type { TwilioMessage } from "./message.ts";
import { startTwilio } from "./server.ts";
import type { Twilio } from "./twilio.ts";

async function start(args: readonly string[]): Promise<Twilio | null> {
  const options = readFlags(args);
  if (options === null) {
    say(HELP);
    return null;
  }
  const twilio = await startTwilio({
    ...options,
    control: true,
    onMessage: (message) => say(describe(message)),
    onHook: (call) => say(describeCall(call)),
    onReply: (reply) => say(describeReply(reply)),
  });
  say(`twilio listening on ${twilio.url}`);
  if (options.accountSid === undefined) say(`account SID ${twilio.accountSid}`);
  if (options.authToken === undefined) say(`auth token ${twilio.authToken}`);
  say(`what goes on: curl ${twilio.url}/control`);
  say(
    options.inboundUrl === undefined
      ? "customers cannot write: --inbound-url says where to"
      : `a customer writes: curl ${twilio.url}/control/texts -d '{"from":"+12025550123","body":"Hello"}'`,
  );
  return twilio;
}

function describe({ sid, from, messagingServiceSid, to, body }: TwilioMessage): string {
  return `message ${sid} from ${from ?? messagingServiceSid} to ${to}: ${body}`;
}

function describeCall({ purpose, url, fields, attempts }: HookCall): string {
  const what = purpose === "status" ? `status ${fields["MessageStatus"]}` : `${purpose} text`;
  const outcome = attempts.length === 0
    ? "not called: not on this machine, see --reach"
    : attempts.map(describeAttempt).join(", ");
  return `${what} of ${fields["MessageSid"]} to ${url}: ${outcome}`;
}

function describeAttempt(attempt: HookAttempt): string {
  return attempt.kind === "answered" ? String(attempt.status) : attempt.detail;
}

function describeReply({ to, body, why }: CustomerReply): string {
  const stray = why === "plain-text" ? "STRAY TEXT, an answer of text/plain is sent: " : "";
  return `reply (${why}) to ${to}: ${stray}${body}`;
}

if (import.meta.main) await runProgram(start);
