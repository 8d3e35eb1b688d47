import { startWebhookConsumer } from "../../simulator/webhook_consumer/server.ts";
import type { Delivery } from "../../simulator/webhook_consumer/webhook_inbox.ts";
import { type Call, createLedger, type Ledger } from "./ledger.ts";

/** A consumer of one webhook. */
export interface Consumer {
  readonly url: string;
  readonly ledger: Ledger;
}

/** Several consumers behind one address, which write into ledgers what they get and verify no signatures. */
export interface Consumers extends AsyncDisposable {
  /** One at a path of its own; `refuses` is asked for each call whether it is to be answered 500. */
  add(name: string, refuses?: () => boolean): Consumer;
}

export async function startConsumers(): Promise<Consumers> {
  const consumer = await startWebhookConsumer({ unverified: "respond", record: false });
  return {
    add(name, refuses = () => false) {
      const ledger = createLedger(name);
      const inbox = consumer.at(`/${name}`);
      inbox.respond((delivery) => {
        const { end } = ledger.begin(callOf(delivery));
        const refused = refuses();
        end(!refused);
        return { kind: "answer", status: refused ? 500 : 204 };
      });
      return { url: inbox.url, ledger };
    },
    [Symbol.asyncDispose]: () => consumer.close(),
  };
}

function callOf({ id, body }: Delivery): Call {
  const { data: { sessionId, sequence } } = JSON.parse(body);
  return { id, sessionId, sequence };
}
