/** `deno task bench`: measurements, with the machine and the method. */
import { parseArgs } from "node:util";
import { redisAvailable } from "../simulator/kit/redis_server.ts";
import { runMain, say, UsageError } from "../simulator/kit/program.ts";
import { runDeliveryBench } from "./delivery/delivery_bench.ts";
import { type StoreKind, STORES } from "./delivery/world.ts";

const HELP = `Measures how Patchbay delivers events to webhooks, on this machine alone.

Usage: deno task bench [--quick] [--store=redis|upstash|sqlite]

  --quick   about a minute and a half instead of six; to see that it works, not to be quoted
  --store   redis: a redis-server over RESP (the default; the targets are for this one)
            upstash: the same over Upstash's REST, through X
            sqlite: the embedded store, in a temporary directory
  --help    shows this

It starts Patchbay, its store and a webhook consumer as processes of their own on loopback, measures, ends them, and
stops by itself. Ctrl-C stops it before. Nothing else should run meanwhile.`;

const EXIT_INTERRUPTED = 130;

function readStore(text: string): StoreKind {
  const store = STORES.find((known) => known === text);
  if (store === undefined) {
    throw new UsageError(`Cannot use --store=${text}: expected ${STORES.join(", ")}`);
  }
  if (store !== "sqlite" && !redisAvailable()) {
    throw new UsageError(
      `Cannot use --store=${store}: redis-server is not on the PATH; install it or use --store=sqlite`,
    );
  }
  return store;
}

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      store: { type: "string", default: "redis" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return say(HELP);
  const store = readStore(values.store);

  await using started = new AsyncDisposableStack();
  const interrupted = async () => {
    say("\nInterrupted");
    await started.disposeAsync();
    Deno.exit(EXIT_INTERRUPTED);
  };
  Deno.addSignalListener("SIGINT", interrupted);
  Deno.addSignalListener("SIGTERM", interrupted);
  try {
    await runDeliveryBench({ store, quick: values.quick, say }, started);
  } finally {
    Deno.removeSignalListener("SIGINT", interrupted);
    Deno.removeSignalListener("SIGTERM", interrupted);
  }
}

await runMain(main);
