/**
 * The one table of every environment variable that Patchbay reads. The type `Config`, the defaults, the checks, the
 * README's table and `.env.example` all come from it: a new variable is a new entry here, and its use.
 */
import {
  absolutePath,
  egressEntry,
  httpOrigin,
  httpUrl,
  listenHost,
  pageOrigin,
  proxyUrl,
  redisUrl,
  typedOrigin,
} from "./address_parsers.ts";
import { country } from "./countries.ts";
import { encryptionKeys, publicKeyText, signatureAlgorithms } from "./key_parsers.ts";
import * as parse from "./parsers.ts";
import { type NamesIn, type Variable, type VariableGroup, variablesIn } from "./variable.ts";

const YEAR_S = 31_536_000;

const claimName = parse.plainText("the name of a claim");

/** Every group in the order in which it is documented. */
export const TABLE = {
  server: {
    title: "Server",
    variables: {
      port: {
        name: "PORT",
        defaultText: "8000",
        parser: parse.integer(0, 65_535),
        meaning: "TCP port to listen on; 0 takes any free one",
      },
      host: {
        name: "HOST",
        defaultText: "0.0.0.0",
        parser: listenHost,
        meaning: "Address to listen on",
      },
      publicUrl: {
        name: "PUBLIC_URL",
        parser: typedOrigin,
        meaning:
          "Origin under which Twilio and webhook consumers reach Patchbay; required with SMS",
      },
      trustProxyHops: {
        name: "TRUST_PROXY_HOPS",
        defaultText: "0",
        parser: parse.integer(0, 32),
        meaning:
          "How many proxies in front are ours: the client is that many entries from the right of x-forwarded-for",
      },
      corsOrigins: {
        name: "CORS_ORIGINS",
        parser: parse.commaList(pageOrigin.parse, {
          expected:
            "exact origins such as https://desktop.example, separated by commas; neither * nor null",
          max: 100,
        }),
        meaning:
          "Origins whose pages may call the agent API (/api/v2), such as https://desktop.example, separated by commas",
      },
      drainMs: {
        name: "DRAIN_MS",
        defaultText: "4500",
        parser: parse.integer(0, 60_000),
        meaning: "Longest time from SIGTERM or SIGINT to the exit, spent on finishing what is open",
      },
    },
  },
  upstream: {
    title: "Contact centre (upstream)",
    variables: {
      url: {
        name: "UPSTREAM_URL",
        required: true,
        parser: httpOrigin,
        meaning: "Origin of the contact centre; /api/v2/… is appended",
      },
      auth: {
        mode: {
          name: "UPSTREAM_AUTH",
          defaultText: "forward",
          parser: parse.oneOf(["forward", "basic", "vault"]),
          meaning:
            "forward: the agent's own bearer token goes upstream; basic: one service account; vault: the agent's own sealed credentials",
        },
        username: {
          name: "UPSTREAM_USERNAME",
          // RFC 7617 §2: a colon would end the user name early, and neither may hold control characters.
          parser: parse.matching(
            /^[^:\p{Cc}]+$/u,
            "a user name without colon or control characters",
          ),
          meaning: "User name of the service account; required with UPSTREAM_AUTH=basic",
        },
        password: {
          name: "UPSTREAM_PASSWORD",
          secret: true,
          parser: parse.plainText("a password without control characters"),
          meaning: "Password of the service account; may stay empty, as upstream allows",
        },
      },
      timeoutMs: {
        name: "UPSTREAM_TIMEOUT_MS",
        defaultText: "10000",
        parser: parse.integer(100, 120_000),
        meaning: "Deadline of one upstream call, its body included",
      },
    },
  },
  jwt: {
    title: "Agents' tokens (JWT)",
    variables: {
      issuers: {
        name: "JWT_ISSUER",
        required: true,
        parser: parse.commaList(parse.plainText("").parse, {
          expected: "the exact iss claims of up to 32 issuers, separated by commas",
          max: 32,
        }),
        meaning:
          "The exact iss claim, or several, separated by commas; each issuer's keys verify its own tokens only",
      },
      audiences: {
        name: "JWT_AUDIENCE",
        required: true,
        parser: parse.commaList(parse.plainText("").parse, {
          expected: "the accepted aud claims, separated by commas",
          max: 100,
        }),
        meaning: "Accepted aud claims, separated by commas; one has to match",
      },
      keys: {
        url: {
          name: "JWKS_URL",
          parser: httpUrl({ query: true }),
          meaning:
            "Address of the issuer's key set, of one issuer only; without it and JWT_PUBLIC_KEY each issuer's /.well-known/openid-configuration names it",
        },
        untrustedText: {
          name: "JWT_PUBLIC_KEY",
          // Public by nature, but a private key pasted here by mistake must not end up in a log.
          secret: true,
          parser: publicKeyText,
          meaning:
            "The key itself instead, of one issuer only: a PEM (line breaks may be written \\n), JWK or JWKS text",
        },
      },
      algorithms: {
        name: "JWT_ALGORITHMS",
        defaultText: "EdDSA,RS256,ES256",
        parser: signatureAlgorithms,
        meaning: "Accepted signature algorithms; none and HS* are refused",
      },
      clockToleranceS: {
        name: "JWT_CLOCK_TOLERANCE_S",
        defaultText: "30",
        parser: parse.integer(0, 300),
        meaning: "How far the issuer's clock may be off, 0 to 300 seconds",
      },
      agentClaim: {
        name: "JWT_AGENT_CLAIM",
        defaultText: "sub",
        parser: claimName,
        meaning: "The claim that names the agent",
      },
      scopeClaim: {
        name: "JWT_SCOPE_CLAIM",
        defaultText: "scope",
        parser: claimName,
        meaning: "The claim that lists the scopes: an array, or one string with spaces",
      },
    },
  },
  store: {
    title: "Store (one of Upstash, Redis and SQLite)",
    variables: {
      engine: {
        upstash: {
          url: {
            name: "UPSTASH_REDIS_REST_URL",
            parser: httpUrl({ query: false }),
            meaning: "Upstash Redis: address of its REST API; goes with the token",
          },
          token: {
            name: "UPSTASH_REDIS_REST_TOKEN",
            secret: true,
            parser: parse.headerToken,
            meaning: "Upstash Redis: token of its REST API",
          },
        },
        redisUrl: {
          name: "REDIS_URL",
          // It may carry a password.
          secret: true,
          parser: redisUrl,
          meaning:
            "Any Redis or Valkey, or any node of a cluster (with STORE_SHARDS): redis://… or rediss://…",
        },
        sqlite: {
          path: {
            name: "SQLITE_PATH",
            defaultText: "./data/patchbay.db",
            parser: parse.plainText("the path of a file, or :memory:"),
            meaning: "SQLite, when no other store is set: its file, or :memory:",
          },
          sync: {
            name: "SQLITE_SYNC",
            defaultText: "normal",
            parser: parse.oneOf(["normal", "full"]),
            meaning: "normal: a 202 survives the death of the process; full: also a power cut",
          },
        },
      },
      encryptionKeys: {
        name: "ENCRYPTION_KEY",
        secret: true,
        parser: encryptionKeys,
        meaning:
          "32 bytes in base64 that seal secrets at rest, older keys behind it after commas; required with Redis, SQLite makes a key file",
      },
      shards: {
        name: "STORE_SHARDS",
        defaultText: "1",
        parser: parse.integer(1, 1024),
        meaning: "How many indexes the due work is spread over, 1 to 1024",
      },
      sessionTtlMs: {
        name: "SESSION_TTL_S",
        defaultText: "86400",
        parser: parse.secondsAsMs(1, YEAR_S),
        meaning: "Sliding lifetime of a session's mapping",
      },
      eventRetentionMs: {
        name: "EVENT_RETENTION_S",
        defaultText: "604800",
        parser: parse.secondsAsMs(1, YEAR_S),
        meaning: "How long events and deliveries are kept",
      },
    },
  },
  notifications: {
    title: "Notifications",
    variables: {
      /** Null when it is unset: the route answers 404 then. */
      notificationsToken: {
        name: "NOTIFICATIONS_TOKEN",
        secret: true,
        parser: parse.ownSecret,
        meaning:
          "Bearer token of POST /ingress/notifications, 16 characters or more; unset: the route answers 404",
      },
      subscribe: {
        mode: {
          name: "SUBSCRIBE",
          defaultText: "off",
          parser: parse.oneOf(["on", "off"]),
          meaning:
            "on: follow the CometD notifications of agents (with UPSTREAM_AUTH=forward while a token lives)",
        },
        path: {
          name: "COMETD_PATH",
          defaultText: "/api/v2/notifications",
          parser: absolutePath,
          meaning: "Where upstream's CometD is",
        },
        channels: {
          name: "COMETD_SUBSCRIPTIONS",
          defaultText: "/v2/me/*",
          parser: parse.cometdChannels,
          meaning: "CometD channels to follow, separated by commas; wildcards as CometD has them",
        },
      },
    },
  },
  webhooks: {
    title: "Webhooks",
    variables: {
      timeoutMs: {
        name: "WEBHOOK_TIMEOUT_MS",
        defaultText: "15000",
        parser: parse.integer(100, 120_000),
        meaning: "Deadline of one attempt, its body included",
      },
      retryWaitsMs: {
        name: "WEBHOOK_RETRY_S",
        defaultText: "5,30,120,600,1800,7200,18000,36000,50400,72000",
        parser: parse.retryWaits,
        meaning: "Waits between attempts in seconds, decimals allowed; n waits make n + 1 attempts",
      },
      egressAllow: {
        name: "EGRESS_ALLOW",
        parser: parse.commaList(egressEntry.parse, {
          expected:
            "CIDRs, addresses, host names or *.suffixes, without scheme or port, separated by commas",
          max: 1000,
        }),
        meaning:
          "CIDRs, addresses and hosts (*.example.com too) that webhooks may use though the guard refuses them",
      },
      egressProxy: {
        name: "EGRESS_PROXY",
        // It may carry a password.
        secret: true,
        parser: proxyUrl,
        meaning:
          "Proxy (CONNECT) for all calls to webhooks: http:// or https://, with user:password@ where it asks for them",
      },
    },
  },
  sms: {
    title: "SMS (Twilio)",
    variables: {
      accountSid: {
        name: "TWILIO_ACCOUNT_SID",
        parser: parse.twilioSid("AC"),
        meaning: "Account SID; SMS is on when it and TWILIO_AUTH_TOKEN are set",
      },
      authToken: {
        name: "TWILIO_AUTH_TOKEN",
        secret: true,
        parser: parse.headerToken,
        meaning: "Auth token of the account",
      },
      authTokenNext: {
        name: "TWILIO_AUTH_TOKEN_NEXT",
        secret: true,
        parser: parse.headerToken,
        meaning: "A second accepted token while the first is being rotated",
      },
      sender: {
        from: {
          name: "TWILIO_FROM",
          parser: parse.senderNumber,
          meaning:
            "Sender: E.164 number or short code; this or TWILIO_MESSAGING_SERVICE_SID is required with SMS",
        },
        messagingServiceSid: {
          name: "TWILIO_MESSAGING_SERVICE_SID",
          parser: parse.twilioSid("MG"),
          meaning: "Sender: a messaging service instead",
        },
      },
      apiUrl: {
        name: "TWILIO_API_URL",
        defaultText: "https://api.twilio.com",
        parser: httpOrigin,
        meaning: "Origin of the Twilio REST API",
      },
      media: {
        name: "MEDIA",
        defaultText: "off",
        parser: parse.oneOf(["on", "off"]),
        meaning:
          "on: an agent's PushUrl of a picture leaves with the picture (MMS), where the sender can",
      },
      defaultCountry: {
        name: "DEFAULT_COUNTRY",
        parser: country,
        meaning:
          "Country (ISO 3166, such as US) by which national phone numbers are read; without it they are nobody's",
      },
      /** Segments per second; null when Patchbay sets no limit. */
      rateLimit: {
        name: "SMS_RATE_LIMIT",
        defaultText: "20/s",
        parser: parse.rateLimit,
        meaning:
          "Segments of SMS per second of one sender, across all instances: N/s with a burst of twice that, or off",
      },
    },
  },
  limitsAndLogs: {
    title: "Limits and logs",
    variables: {
      /** The token bucket of each agent; null when there is no limit. */
      rateLimit: {
        name: "RATE_LIMIT_PER_AGENT",
        defaultText: "50/s",
        parser: parse.rateLimit,
        meaning:
          "Requests of one agent, and apart from them what it does to webhooks: N/s with a burst of twice that, or off",
      },
      /** Null: only programs on this machine may read the metrics. */
      metricsToken: {
        name: "METRICS_TOKEN",
        secret: true,
        parser: parse.ownSecret,
        meaning:
          "Bearer token of GET /metrics, 16 characters or more; without it only loopback reads them, others get 404",
      },
      log: {
        level: {
          name: "LOG_LEVEL",
          defaultText: "info",
          parser: parse.oneOf(["debug", "info", "warn", "error"]),
          meaning: "debug, info, warn or error",
        },
        format: {
          name: "LOG_FORMAT",
          defaultText: "json",
          parser: parse.oneOf(["json", "pretty"]),
          meaning: "json for machines, pretty for people",
        },
      },
    },
  },
} as const satisfies Readonly<Record<string, VariableGroup>>;

type Table = typeof TABLE;

/** The name of a variable that Patchbay reads. */
export type VariableName = {
  [Group in keyof Table]: NamesIn<Table[Group]["variables"]>;
}[keyof Table];

/** The same variables under their headings, as the documentation lists them. */
export const VARIABLE_GROUPS: readonly {
  readonly title: string;
  readonly variables: readonly Named[];
}[] = Object.values(TABLE).map(({ title, variables }) => ({
  title,
  variables: variablesIn(variables) as Named[],
}));

/** What is read besides: Deno's own switch of its tracing (https://docs.deno.com/runtime/fundamentals/open_telemetry/). */
export const PLATFORM_VARIABLES = ["OTEL_DENO"] as const;

/** The same variables as one list. */
export const VARIABLES: readonly Named[] = VARIABLE_GROUPS.flatMap(({ variables }) => variables);

type Named = Variable & { readonly name: VariableName };
