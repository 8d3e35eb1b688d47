import { createRemoteKeySet, type KeySet } from "../services/auth/key_set.ts";
import { createStaticKeySet } from "../services/auth/static_key_set.ts";
import { createTokenVerifier, type TokenVerifier } from "../services/auth/token_verifier.ts";
import type { Config } from "../services/config/config.ts";
import type { Environment } from "./environment.ts";

/** Who may call. */
export interface AuthParts {
  readonly verifier: TokenVerifier;
  /** Begins to get the keys ahead of the first token. */
  warm(): void;
  /** Whether there are keys to verify tokens with. */
  readonly keysLoaded: () => boolean;
}

/**
 * The verifier of agents' tokens. Its keys are to be got once everything is built: a process that is busy loading lets the
 * deadline of an answer pass. Until they are there, `/readyz` says so.
 */
export async function composeAuth(
  { jwt }: Config,
  { fetch, clock, log }: Environment,
): Promise<AuthParts> {
  const keySet = jwt.keys.kind === "remote"
    ? createRemoteKeySet({ url: jwt.keys.url, fetch, clock, log })
    : await createStaticKeySet(jwt.keys.untrustedText, jwt.algorithms);
  return {
    verifier: createTokenVerifier({ keySet, policy: jwt, clock }),
    warm: () => void keySet.warm(),
    keysLoaded: () => hasKeys(keySet),
  };
}

/** Without keys no token comes through to make the key set try again, so whoever asks for readiness does. */
function hasKeys(keySet: KeySet): boolean {
  const { loaded } = keySet.state();
  if (!loaded) void keySet.warm();
  return loaded;
}
