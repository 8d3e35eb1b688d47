import { Hono } from "hono";
import * as v from "valibot";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
import { InvalidBody, InvalidParameter, NotFound } from "../services/errors.ts";
import { isJsonObject } from "../services/support/json_object.ts";
import type { AgentCredentials, CredentialVault } from "../services/contact_centre/rest/vault.ts";

const MAX_BODY_BYTES = 8 * 1024;

const EXPECTED = {
  // RFC 7617 §2: a colon would end the user name early, and neither may hold control characters.
  username: "1 to 256 characters without colon or control characters",
  password: "0 to 1024 characters without control characters",
} as const satisfies Record<keyof AgentCredentials, string>;

// A lone surrogate has no bytes (RFC 3629 §3), so upstream would be told another password than the agent's.
const wellFormed = v.check((text: string) => text.isWellFormed());

const credentialsSchema = v.object({
  username: v.pipe(v.string(), v.regex(/^[^:\p{Cc}]+$/u), v.maxLength(256), wellFormed),
  password: v.pipe(v.string(), v.regex(/^\P{Cc}*$/u), v.maxLength(1024), wellFormed),
});

export interface CredentialRoutesDependencies {
  readonly guards: RouteGuards;
  /** Null in every mode of upstream authentication but `vault`. */
  readonly vault: CredentialVault | null;
}

/** The agent's own credentials upstream: left or removed, and never shown. */
export function credentialRoutes({ guards, vault }: CredentialRoutesDependencies): Hono<AppEnv> {
  const path = "/v1/agents/me/credentials";
  const mayWrite = guards.agent("credentials:write");
  return new Hono<AppEnv>()
    .put(path, mayWrite, guards.jsonBody({ maxBytes: MAX_BODY_BYTES }), async (c) => {
      const { keep } = inUse(vault);
      await keep(c.get("agent").id, readCredentials(c.get("body").untrustedJson));
      return c.body(null, 204);
    })
    .delete(path, mayWrite, async (c) => {
      await inUse(vault).remove(c.get("agent").id);
      return c.body(null, 204);
    });
}

function inUse(vault: CredentialVault | null): CredentialVault {
  if (vault !== null) return vault;
  throw new NotFound(
    "Cannot keep credentials here: no agent's own go to the contact centre, expected a Patchbay with UPSTREAM_AUTH=vault",
  );
}

function readCredentials(untrustedJson: unknown): AgentCredentials {
  if (!isJsonObject(untrustedJson)) {
    throw new InvalidBody(
      "Cannot read the body: expected a JSON object with username and password",
    );
  }
  const read = v.safeParse(credentialsSchema, untrustedJson);
  if (read.success) return read.output;
  const member = v.getDotPath(read.issues[0]) === "username" ? "username" : "password";
  // Unlike other members the value is not repeated: a password may stand where the user name should.
  throw new InvalidParameter(`Cannot use ${member}: expected ${EXPECTED[member]}`);
}
