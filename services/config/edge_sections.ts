import type { Config } from "./shape.ts";
import { absolutePath, httpOrigin, httpUrl, listenHost } from "./address_parsers.ts";
import * as parse from "./parsers.ts";
import { complete, type Reader } from "./reader.ts";

/** Where to listen, and who stands in front. */
export function readServer(env: Reader): Config["server"] | undefined {
  return complete<Config["server"]>({
    host: env.required("HOST", listenHost),
    port: env.required("PORT", parse.integer(0, 65_535)),
    publicUrl: env.optional("PUBLIC_URL", httpOrigin),
    drainMs: env.required("DRAIN_MS", parse.integer(0, 60_000)),
    trustProxyHops: env.required("TRUST_PROXY_HOPS", parse.integer(0, 32)),
  });
}

/** The contact centre and how Patchbay speaks to it. */
export function readUpstream(env: Reader): Config["upstream"] | undefined {
  return complete<Config["upstream"]>({
    url: env.required("UPSTREAM_URL", httpOrigin),
    auth: readUpstreamAuth(env),
    timeoutMs: env.required("UPSTREAM_TIMEOUT_MS", parse.integer(100, 120_000)),
  });
}

function readUpstreamAuth(env: Reader): Config["upstream"]["auth"] | undefined {
  const mode = env.required("UPSTREAM_AUTH", parse.oneOf(["forward", "basic", "vault"]));
  // RFC 7617 §2: a colon would end the user name early, and neither may hold control characters.
  const username = env.optional(
    "UPSTREAM_USERNAME",
    parse.matching(/^[^:\p{Cc}]+$/u, "a user name without colon or control characters"),
  );
  const password = env.optional(
    "UPSTREAM_PASSWORD",
    parse.plainText("a password without control characters"),
  );
  if (mode !== "basic") return mode === undefined ? undefined : { mode };
  if (username === null) {
    env.fault("Cannot use UPSTREAM_AUTH=basic without UPSTREAM_USERNAME: expected its user name");
    return undefined;
  }
  return password === undefined || username === undefined
    ? undefined
    : { mode, username, password: password ?? "" };
}

/** Which of upstream's CometD notifications to follow; null: none. */
export function readSubscribe(env: Reader): Config["subscribe"] | undefined {
  const subscribe = env.required("SUBSCRIBE", parse.oneOf(["on", "off"]));
  const parts = complete<NonNullable<Config["subscribe"]>>({
    path: env.required("COMETD_PATH", absolutePath),
    channels: env.required("COMETD_SUBSCRIPTIONS", cometdChannels),
  });
  return subscribe === "off" ? null : subscribe && parts;
}

const cometdChannels = parse.commaList(
  // Bayeux protocol specification, "Channels": segments of these characters; a wildcard stands for one segment (*) or any
  // number (**), only at the end. Under /meta the protocol talks to itself.
  parse.matching(
    /^(?!\/meta(\/|$))(\/[A-Za-z0-9_!~()$@-]+)*\/([A-Za-z0-9_!~()$@-]+|\*\*?)$/,
    "",
  ).parse,
  {
    expected: "1 to 100 CometD channels such as /v2/me/* or /v2/me/calls, separated by commas",
    max: 100,
  },
);

/** What an agent's token has to be. */
export function readJwt(env: Reader): Config["jwt"] | undefined {
  const claimName = parse.plainText("the name of a claim");
  return complete<Config["jwt"]>({
    issuer: env.required("JWT_ISSUER", parse.plainText("the issuer's exact iss claim")),
    audiences: env.required(
      "JWT_AUDIENCE",
      parse.commaList(parse.plainText("").parse, {
        expected: "the accepted aud claims, separated by commas",
        max: 100,
      }),
    ),
    keys: readJwtKeys(env),
    algorithms: env.required("JWT_ALGORITHMS", parse.signatureAlgorithms),
    clockToleranceS: env.required("JWT_CLOCK_TOLERANCE_S", parse.integer(0, 300)),
    agentClaim: env.required("JWT_AGENT_CLAIM", claimName),
    scopeClaim: env.required("JWT_SCOPE_CLAIM", claimName),
  });
}

function readJwtKeys(env: Reader): Config["jwt"]["keys"] | undefined {
  const url = env.optional("JWKS_URL", httpUrl({ query: true }));
  const untrustedText = env.optional("JWT_PUBLIC_KEY", parse.publicKeyText);
  if (env.isSet("JWKS_URL") && env.isSet("JWT_PUBLIC_KEY")) {
    env.fault("Cannot use JWKS_URL and JWT_PUBLIC_KEY together: expected only one of them");
    return undefined;
  }
  if (url) return { kind: "remote", url };
  if (untrustedText) return { kind: "static", untrustedText };
  if (url === null && untrustedText === null) {
    env.fault("Cannot start without JWKS_URL or JWT_PUBLIC_KEY: expected one of them");
  }
  return undefined;
}
