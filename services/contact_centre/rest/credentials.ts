import { Unauthenticated } from "../../errors.ts";

/**
 * Whose credentials go upstream (`UPSTREAM_AUTH`). `forward`: the agent's own token, as its client sent it. `basic`: one
 * service account for all. `vault`: those that the agent has left with us.
 */
export type UpstreamAuth =
  | { readonly mode: "forward" }
  | { readonly mode: "basic"; readonly username: string; readonly password: string }
  | { readonly mode: "vault" };

/** Tells the credentials that go upstream. */
export interface UpstreamCredentials {
  /**
   * The `authorization` of a request on the agent's behalf; null: there is none to send, and upstream judges the
   * request without.
   * `clientAuthorization` is what the client sent with the request at hand; null where no client waits for the answer.
   *
   * @throws {NoUpstreamCredentials} in mode `vault`: the agent has left none
   * @throws {StoreUnavailable} in mode `vault`
   */
  authorizationFor(agentId: string, clientAuthorization: string | null): Promise<string | null>;
  /** The agent's may be others by now: what is remembered of them is not to be relied on. Only mode `vault` remembers any. */
  doubt?(agentId: string): void;
}

/**
 * The agent has left no credentials in the vault, or none that can still be opened.
 *
 * It is `unauthenticated` and no other code of DESIGN §7: upstream says the same, 20 ("following requests must carry
 * credentials"), to whoever comes without, so an integration made for upstream knows what to do. `insufficient-scope`
 * would send the agent to the token's issuer, `not-found` would read as a session that is gone, and a 5xx as something
 * that passes by itself. RFC 9110 §15.5.2 wants a challenge with it; as in RFC 6750 §3.1 it bears no `error`, since the
 * token is good.
 */
export class NoUpstreamCredentials extends Unauthenticated {
  constructor(why: string) {
    super(`Cannot reach the contact centre for this agent: ${why}`, {
      headers: { "www-authenticate": 'Bearer realm="patchbay"' },
    });
  }
}

export interface UpstreamCredentialsOptions {
  readonly auth: UpstreamAuth;
  /** Where agents leave their credentials; needed in mode `vault` and used in no other. */
  readonly vault?: UpstreamCredentials | null;
}

/**
 * The credentials of the configured mode.
 * @throws {TypeError} in mode `vault` without one
 */
export function createUpstreamCredentials(
  { auth, vault = null }: UpstreamCredentialsOptions,
): UpstreamCredentials {
  switch (auth.mode) {
    case "forward":
      return {
        authorizationFor: (_agentId, clientAuthorization) => Promise.resolve(clientAuthorization),
      };
    case "basic": {
      const authorization = basicAuthorization(auth.username, auth.password);
      return { authorizationFor: () => Promise.resolve(authorization) };
    }
    case "vault":
      if (vault === null) throw new TypeError("Cannot use UPSTREAM_AUTH=vault without a vault");
      return vault;
  }
}

/**
 * RFC 7617 §2. The contact centre's own clients encode the pair as ISO-8859-1; what that cannot express goes as UTF-8.
 */
export function basicAuthorization(username: string, password: string): string {
  const pair = `${username}:${password}`;
  // deno-lint-ignore no-control-regex
  const isLatin1 = /^[\x00-\xff]*$/.test(pair);
  return `Basic ${isLatin1 ? btoa(pair) : new TextEncoder().encode(pair).toBase64()}`;
}
