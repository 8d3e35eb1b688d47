import type { Exchange } from "../kit/exchange.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { Centre } from "./model.ts";
import type { Outcome } from "./outcome.ts";

/** The Hono environment of the contact centre. */
export interface CentreEnv {
  Bindings: Exchange;
  Variables: {
    recorded: RecordedRequest;
    /** Empty: not known, which only a handshake that CometD is to deny can be. */
    agentId: string;
    /** Whom the credentials name, proved or not. */
    claimedAgentId: string | null;
  };
}

/** What the routes work with. */
export interface RouteContext {
  readonly centre: Centre;
  /** The value of a request's body; undefined for what is no JSON. */
  readonly readBody: (untrustedText: string) => unknown;
  /** Turns an outcome into the HTTP answer, and queues its notifications behind that answer. */
  respond(exchange: Exchange, outcome: Outcome): Response;
}
