/** Somebody whom the simulated Twilio calls, as Patchbay would be: takes texts and status callbacks, and checks signatures. */
import webhooks from "twilio/lib/webhooks/webhooks.js";
import { createInbox, type Inbox } from "../../../simulator/kit/inbox.ts";

/** A request of Twilio's as it came. */
export interface HookRequest {
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
  readonly fields: Readonly<Record<string, string>>;
}

/** Somebody whom Twilio calls. */
export interface HookServer extends AsyncDisposable {
  /** Origin, without a slash at the end. */
  readonly url: string;
  readonly requests: Inbox<HookRequest>;
}

type Answer = (request: HookRequest) => Response | Promise<Response>;

/** Answers everything with 204 unless told otherwise. */
export function startHookServer(
  answer: Answer = () => new Response(null, { status: 204 }),
): HookServer {
  const requests = createInbox<HookRequest>("webhook request");
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const fields = Object.fromEntries(new URLSearchParams(await request.text()));
      const came: HookRequest = { target: pathname + search, headers: request.headers, fields };
      requests.add(came);
      return await answer(came);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      requests.close();
      await server.shutdown();
    },
  };
}

/** Whether the request was signed for that URL: by the validator of the `twilio` package, not by the simulator's own code. */
export function isSigned({ headers, fields }: HookRequest, token: string, url: string): boolean {
  return webhooks.validateRequest(token, headers.get("x-twilio-signature") ?? "", url, {
    ...fields,
  });
}
