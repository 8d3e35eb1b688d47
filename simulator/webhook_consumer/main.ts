import { parseArgs } from "node:util";
import { readPort, runProgram, say, UsageError } from "../kit/program.ts";
import { startWebhookConsumer, type WebhookConsumer } from "./server.ts";
import type { Delivery } from "./webhook_inbox.ts";

const HELP =
  `A consumer of Standard Webhooks: verifies every delivery and keeps it in memory, on loopback.

  deno run -A simulator/webhook_consumer/main.ts --secret whsec_… [flags]

  --port N           where to listen (default 0: any free port)
  --secret whsec_…   the webhook's secret, as shown when it was registered
  --status N         answer to verified deliveries (default 204), to watch retries
  --help             this text

Every path is an inbox of its own. It prints each delivery and whether its signature is good; what is not verified is
answered 401. It stops on SIGINT or SIGTERM.`;

async function start(args: readonly string[]): Promise<WebhookConsumer | null> {
  const { values: flags } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string", default: "0" },
      secret: { type: "string" },
      status: { type: "string", default: "204" },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) {
    say(HELP);
    return null;
  }
  const status = readStatus(flags.status);
  const consumer = await startWebhookConsumer({
    port: readPort(flags.port),
    respond: () => ({ kind: "answer", status }),
    ...(flags.secret === undefined ? {} : { secret: flags.secret }),
    onDelivery: (delivery, url) => say(describe(delivery, url)),
  });
  say(`webhook consumer listening on ${consumer.url}`);
  return consumer;
}

function readStatus(text: string): number {
  const status = /^\d{3}$/.test(text) ? Number(text) : Number.NaN;
  if (status >= 200 && status <= 599) return status;
  throw new UsageError(`Cannot use --status ${text}: expected an integer from 200 to 599`);
}

function describe({ id, type, verified, fault, duplicateOf }: Delivery, url: string): string {
  const judgement = verified ? "verified" : `refused (${fault})`;
  const again = duplicateOf === undefined ? "" : `, again (first as delivery ${duplicateOf})`;
  return `delivery ${id || "without id"} of ${type ?? "no type"} at ${url}: ${judgement}${again}`;
}

if (import.meta.main) await runProgram(start);
