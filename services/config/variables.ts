/**
 * Every environment variable that Patchbay reads: the one list from which `readConfig` takes the defaults, and
 * against which `.env.example` and the README are tested.
 */

/** One variable, as people read about it. */
export interface Variable {
  readonly name: string;
  /** What is used when it is unset, written as in the environment; absent: there is no default. */
  readonly defaultText?: string;
  /** One line, no full stop. */
  readonly meaning: string;
  /** Nothing starts without it. What is required only sometimes says so in its meaning. */
  readonly required?: true;
  /** Its value is never shown, not even a wrong one. */
  readonly secret?: true;
}

/** Variables that belong together, under a heading. */
export interface VariableGroup {
  readonly title: string;
  readonly variables: readonly Variable[];
}

/** All of them, in the order in which they are documented. */
export const VARIABLE_GROUPS = [
  {
    title: "Server",
    variables: [
      {
        name: "PORT",
        defaultText: "8000",
        meaning: "TCP port to listen on; 0 takes any free one",
      },
      { name: "HOST", defaultText: "0.0.0.0", meaning: "Address to listen on" },
      {
        name: "PUBLIC_URL",
        meaning:
          "Origin under which Twilio and webhook consumers reach Patchbay; required with SMS",
      },
      {
        name: "TRUST_PROXY_HOPS",
        defaultText: "0",
        meaning:
          "How many proxies in front are ours: the client is that many entries from the right of x-forwarded-for",
      },
      {
        name: "DRAIN_MS",
        defaultText: "4500",
        meaning: "Longest time from SIGTERM or SIGINT to the exit, spent on finishing what is open",
      },
    ],
  },
  {
    title: "Contact centre (upstream)",
    variables: [
      {
        name: "UPSTREAM_URL",
        required: true,
        meaning: "Origin of the contact centre; /api/v2/… is appended",
      },
      {
        name: "UPSTREAM_AUTH",
        defaultText: "forward",
        meaning:
          "forward: the agent's own bearer token goes upstream; basic: one service account; vault: the agent's own sealed credentials",
      },
      {
        name: "UPSTREAM_USERNAME",
        meaning: "User name of the service account; required with UPSTREAM_AUTH=basic",
      },
      {
        name: "UPSTREAM_PASSWORD",
        secret: true,
        meaning: "Password of the service account; may stay empty, as upstream allows",
      },
      {
        name: "UPSTREAM_TIMEOUT_MS",
        defaultText: "10000",
        meaning: "Deadline of one upstream call, its body included",
      },
    ],
  },
  {
    title: "Agents' tokens (JWT)",
    variables: [
      { name: "JWT_ISSUER", required: true, meaning: "The exact iss claim" },
      {
        name: "JWT_AUDIENCE",
        required: true,
        meaning: "Accepted aud claims, separated by commas; one has to match",
      },
      {
        name: "JWKS_URL",
        meaning: "Address of the issuer's key set; this or JWT_PUBLIC_KEY is required",
      },
      {
        name: "JWT_PUBLIC_KEY",
        // Public by nature, but a private key pasted here by mistake must not end up in a log.
        secret: true,
        meaning: "The key itself instead: a PEM (line breaks may be written \\n), JWK or JWKS text",
      },
      {
        name: "JWT_ALGORITHMS",
        defaultText: "EdDSA,RS256,ES256",
        meaning: "Accepted signature algorithms; none and HS* are refused",
      },
      {
        name: "JWT_CLOCK_TOLERANCE_S",
        defaultText: "30",
        meaning: "How far the issuer's clock may be off, 0 to 300 seconds",
      },
      { name: "JWT_AGENT_CLAIM", defaultText: "sub", meaning: "The claim that names the agent" },
      {
        name: "JWT_SCOPE_CLAIM",
        defaultText: "scope",
        meaning: "The claim that lists the scopes: an array, or one string with spaces",
      },
    ],
  },
  {
    title: "Store (one of Upstash, Redis and SQLite)",
    variables: [
      {
        name: "UPSTASH_REDIS_REST_URL",
        meaning: "Upstash Redis: address of its REST API; goes with the token",
      },
      {
        name: "UPSTASH_REDIS_REST_TOKEN",
        secret: true,
        meaning: "Upstash Redis: token of its REST API",
      },
      {
        name: "REDIS_URL",
        // It may carry a password.
        secret: true,
        meaning:
          "Any Redis or Valkey, or any node of a cluster (with STORE_SHARDS): redis://… or rediss://…",
      },
      {
        name: "SQLITE_PATH",
        defaultText: "./data/patchbay.db",
        meaning: "SQLite, when no other store is set: its file, or :memory:",
      },
      {
        name: "SQLITE_SYNC",
        defaultText: "normal",
        meaning: "normal: a 202 survives the death of the process; full: also a power cut",
      },
      {
        name: "ENCRYPTION_KEY",
        secret: true,
        meaning:
          "32 bytes in base64 that seal secrets at rest, older keys behind it after commas; required with Redis, SQLite makes a key file",
      },
      {
        name: "STORE_SHARDS",
        defaultText: "1",
        meaning: "How many indexes the due work is spread over, 1 to 1024",
      },
      {
        name: "SESSION_TTL_S",
        defaultText: "86400",
        meaning: "Sliding lifetime of a session's mapping",
      },
      {
        name: "EVENT_RETENTION_S",
        defaultText: "604800",
        meaning: "How long events and deliveries are kept",
      },
    ],
  },
  {
    title: "Notifications",
    variables: [
      {
        name: "NOTIFICATIONS_TOKEN",
        secret: true,
        meaning: "Bearer token of POST /ingress/notifications; unset: the route answers 404",
      },
      {
        name: "SUBSCRIBE",
        defaultText: "off",
        meaning:
          "on: follow the CometD notifications of agents (with UPSTREAM_AUTH=forward while a token lives)",
      },
      {
        name: "COMETD_PATH",
        defaultText: "/api/v2/notifications",
        meaning: "Where upstream's CometD is",
      },
      {
        name: "COMETD_SUBSCRIPTIONS",
        defaultText: "/v2/me/*",
        meaning: "CometD channels to follow, separated by commas; wildcards as CometD has them",
      },
    ],
  },
  {
    title: "Webhooks",
    variables: [
      {
        name: "WEBHOOK_TIMEOUT_MS",
        defaultText: "15000",
        meaning: "Deadline of one attempt, its body included",
      },
      {
        name: "WEBHOOK_RETRY_S",
        defaultText: "5,30,120,600,1800,7200,18000,36000,50400,72000",
        meaning: "Waits between attempts in seconds, decimals allowed; n waits make n + 1 attempts",
      },
      {
        name: "EGRESS_ALLOW",
        meaning:
          "CIDRs, addresses and hosts (*.example.com too) that webhooks may use though the guard refuses them",
      },
    ],
  },
  {
    title: "SMS (Twilio)",
    variables: [
      {
        name: "TWILIO_ACCOUNT_SID",
        meaning: "Account SID; SMS is on when it and TWILIO_AUTH_TOKEN are set",
      },
      { name: "TWILIO_AUTH_TOKEN", secret: true, meaning: "Auth token of the account" },
      {
        name: "TWILIO_AUTH_TOKEN_NEXT",
        secret: true,
        meaning: "A second accepted token while the first is being rotated",
      },
      {
        name: "TWILIO_FROM",
        meaning:
          "Sender: E.164 number or short code; this or TWILIO_MESSAGING_SERVICE_SID is required with SMS",
      },
      { name: "TWILIO_MESSAGING_SERVICE_SID", meaning: "Sender: a messaging service instead" },
      {
        name: "TWILIO_API_URL",
        defaultText: "https://api.twilio.com",
        meaning: "Origin of the Twilio REST API",
      },
      {
        name: "SMS_RATE_LIMIT",
        defaultText: "20/s",
        meaning:
          "Segments of SMS per second of one sender, across all instances: N/s with a burst of twice that, or off",
      },
    ],
  },
  {
    title: "Limits and logs",
    variables: [
      {
        name: "RATE_LIMIT_PER_AGENT",
        defaultText: "50/s",
        meaning: "Requests of one agent: N/s with a burst of twice that, or off",
      },
      { name: "LOG_LEVEL", defaultText: "info", meaning: "debug, info, warn or error" },
      {
        name: "LOG_FORMAT",
        defaultText: "json",
        meaning: "json for machines, pretty for people",
      },
    ],
  },
] as const satisfies readonly VariableGroup[];

/** The name of a variable that Patchbay reads. */
export type VariableName = (typeof VARIABLE_GROUPS)[number]["variables"][number]["name"];

/** The same list without its headings. */
export const VARIABLES: readonly (Variable & { readonly name: VariableName })[] = VARIABLE_GROUPS
  .flatMap((group): readonly (Variable & { readonly name: VariableName })[] => group.variables);
