import { type Call, createLedger, type Ledger } from "./ledger.ts";

/** A consumer of one webhook. */
export interface Consumer {
  readonly url: string;
  readonly ledger: Ledger;
}

/** Several consumers behind one address, which write down what they get and verify no signatures. */
export interface Consumers extends AsyncDisposable {
  /** One at a path of its own; `refuses` is asked for each call whether it is to be answered 500. */
  add(name: string, refuses?: () => boolean): Consumer;
}

export function startConsumers(): Consumers {
  const ledgers = new Map<string, { ledger: Ledger; refuses: () => boolean }>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, take);

  async function take(request: Request): Promise<Response> {
    const found = ledgers.get(new URL(request.url).pathname);
    if (found === undefined) return new Response(null, { status: 404 });
    const call = readCall(request.headers, await request.json());
    const { end } = found.ledger.begin(call);
    const refused = found.refuses();
    end(!refused);
    return new Response(null, { status: refused ? 500 : 204 });
  }

  return {
    add(name, refuses = () => false) {
      const ledger = createLedger(name);
      ledgers.set(`/${name}`, { ledger, refuses });
      return { url: `http://127.0.0.1:${server.addr.port}/${name}`, ledger };
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

interface EventBody {
  readonly data: { readonly sessionId: string; readonly sequence: number };
}

function readCall(headers: Headers, { data: { sessionId, sequence } }: EventBody): Call {
  return { id: headers.get("webhook-id") ?? "", sessionId, sequence };
}
