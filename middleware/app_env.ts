import type { MiddlewareHandler } from "hono";
import type { Agent } from "../services/auth/token_verifier.ts";
import type { SmsProvider } from "../services/sms/provider.ts";
import type { SpelledJson } from "../services/support/spelled_json.ts";
import type { Operation } from "../services/contact_centre/dialect/operations.ts";

/** The scopes of DESIGN §5. */
export type Scope =
  | "sms:operate"
  | "sms:supervise"
  | "sessions:read"
  | "sessions:write"
  | "webhooks:read"
  | "webhooks:write"
  | "opt-outs:read"
  | "opt-outs:write"
  | "credentials:write"
  | "tokens:revoke";

/** By which scheme and authority a client reached Patchbay. */
export interface ReachedAddress {
  readonly proto: string;
  readonly host: string | null;
}

/** What the middleware leaves on the request's context. */
export interface AppEnv {
  Variables: {
    /** The request id: the caller's if it is well formed, else a new one. Also answered as `x-request-id`. */
    requestId: string;
    /** Set by `RouteGuards.agent`. */
    agent: Agent;
    /** Set by `jsonBody`: exactly the bytes that came, and what they say. */
    body: {
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly untrusted: SpelledJson;
      /** The value of `untrusted`, for those to whom its spelling is nothing. */
      readonly untrustedJson: unknown;
    };
    /** The client's address by the rule of `TRUST_PROXY_HOPS`; null where the platform tells none. */
    clientIp: string | null;
    /** How the client reached Patchbay; set by `reachedAddress`. */
    reachedAt: ReachedAddress;
    /** What the SMS provider has handed in, signed; set by the routes of its ingress. */
    inboundSms: Awaited<ReturnType<SmsProvider["readInbound"]>>;
    smsReport: Awaited<ReturnType<SmsProvider["readReport"]>>;
    /** Set by the routes of operations once path and body are found good. */
    sessionOperation: {
      readonly operation: Operation;
      readonly sessionId: string;
      /** Where it goes upstream, in upstream's own spelling. */
      readonly path: string;
    };
    /** Set by `idempotent`: what is under way goes on although the client goes away, as the answer is kept. */
    outlivesClient?: true;
  };
}

/** Who hands things in without being an agent: the contact centre, and the SMS provider's account. */
export type IngressName = "notifications" | "texts";

/** The middleware that routes are handed, built once in the composition root. */
export interface RouteGuards {
  /** Lets a verified agent with that scope through, within its rate limit and while there is room for work; sets `agent`. */
  agent(scope: Scope): MiddlewareHandler<AppEnv>;
  /** Bounds how often somebody may try to come in at an ingress; stands before what tells who it is. */
  attempts: MiddlewareHandler<AppEnv>;
  /** The same for an ingress as `agent` for agents, once it is known who hands in. */
  ingress(name: IngressName): MiddlewareHandler<AppEnv>;
  /** Reads a JSON body of at most `maxBytes`, with `ifEmpty` in the place of an empty one; sets `body`. */
  jsonBody(
    options: { readonly maxBytes: number; readonly ifEmpty?: string },
  ): MiddlewareHandler<AppEnv>;
}
