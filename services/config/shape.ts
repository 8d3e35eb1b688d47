/**
 * The whole configuration, checked. Built once by `readConfig`; nothing else reads the environment.
 * Durations are milliseconds unless the name says otherwise.
 */
export interface Config {
  readonly server: {
    readonly host: string;
    readonly port: number;
    /** How Twilio and consumers reach us; null when not set (allowed only without SMS). */
    readonly publicUrl: URL | null;
    readonly drainMs: number;
    /** How many proxies in front are ours (DESIGN §4). */
    readonly trustProxyHops: number;
  };
  readonly upstream: {
    /** Origin of the contact centre; `/api/v2/…` is appended. */
    readonly url: URL;
    readonly auth:
      | { readonly mode: "forward" }
      | { readonly mode: "basic"; readonly username: string; readonly password: string }
      /** Each agent's own credentials, kept sealed in the store. */
      | { readonly mode: "vault" };
    readonly timeoutMs: number;
  };
  /** Which CometD notifications to follow; null: none. */
  readonly subscribe: {
    /** Where upstream's CometD is, below the origin of `upstream.url`. */
    readonly path: string;
    readonly channels: readonly string[];
  } | null;
  readonly jwt: {
    readonly issuer: string;
    readonly audiences: readonly string[];
    readonly keys:
      | { readonly kind: "remote"; readonly url: URL }
      /** A PEM, JWK or JWKS text. */
      | { readonly kind: "static"; readonly untrustedText: string };
    readonly algorithms: readonly string[];
    readonly clockToleranceS: number;
    readonly agentClaim: string;
    readonly scopeClaim: string;
  };
  readonly store: {
    readonly engine:
      | { readonly kind: "upstash"; readonly url: URL; readonly token: string }
      | { readonly kind: "redis"; readonly url: URL }
      | { readonly kind: "sqlite"; readonly path: string; readonly sync: "normal" | "full" };
    readonly shards: number;
    /** 32 bytes; null only with SQLite, which keeps a key file of its own. */
    readonly encryptionKey: Uint8Array | null;
    /** Keys that seal nothing more and still open what they have sealed. */
    readonly retiredEncryptionKeys: readonly Uint8Array[];
    readonly sessionTtlMs: number;
    readonly eventRetentionMs: number;
  };
  /** Bearer token of the HTTP ingress; null: the route answers 404. */
  readonly notificationsToken: string | null;
  readonly webhooks: {
    readonly timeoutMs: number;
    /** Waits between attempts: n waits make n + 1 attempts. */
    readonly retryWaitsMs: readonly number[];
    /** CIDRs or hosts that the egress guard lets through. */
    readonly egressAllow: readonly string[];
  };
  /** Null: SMS is off. */
  readonly sms: {
    readonly accountSid: string;
    readonly authToken: string;
    readonly authTokenNext: string | null;
    readonly sender:
      | { readonly from: string }
      | { readonly messagingServiceSid: string };
    readonly apiUrl: URL;
    /** Segments per second of one sender; null: no limit of ours. */
    readonly rateLimit: { readonly perSecond: number; readonly burst: number } | null;
  } | null;
  /** Token bucket per agent; null: off. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | null;
  /** Deno's own tracing (`OTEL_DENO`) is on: it writes trace headers by itself. */
  readonly tracedByPlatform: boolean;
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly format: "json" | "pretty";
  };
}
