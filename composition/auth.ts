import type { KeySet } from "../services/auth/key_set.ts";
import { keysAt, keysOfIssuer } from "../services/auth/key_source.ts";
import { createRemoteKeySet } from "../services/auth/remote_key_set.ts";
import { createRevocations } from "../services/auth/revocations.ts";
import { createStaticKeySet } from "../services/auth/static_key_set.ts";
import { createTokenDesk, type TokenDesk } from "../services/auth/token_desk.ts";
import { createTokenVerifier, type TokenVerifier } from "../services/auth/token_verifier.ts";
import type { Config } from "../services/config/config.ts";
import type { RevocationStore } from "../services/store/port/revocations.ts";
import type { Environment } from "./environment.ts";

/** Who may call. */
export interface AuthParts {
  readonly verifier: TokenVerifier;
  readonly tokenDesk: TokenDesk;
  /** Begins to get the keys ahead of the first token. */
  warm(): void;
  /** Whether there are keys to verify tokens with, of one issuer at least. */
  readonly keysLoaded: () => boolean;
  /** What does not work although the rest does: issuers whose keys cannot be had. */
  readonly degraded: () => Readonly<Record<string, string>>;
}

/**
 * The verifier of agents' tokens. Its keys are to be got once everything is built: a process that is busy loading lets the
 * deadline of an answer pass. Until they are there, `/readyz` says so.
 */
export function composeAuth(
  { jwt }: Config,
  environment: Environment,
  store: RevocationStore,
): AuthParts {
  const { clock, log } = environment;
  const keySets = new Map(
    jwt.issuers.map((issuer) => [issuer, keySetOf(issuer, jwt, environment)]),
  );
  const revocations = createRevocations({ store, clock, log });
  const missing = () => [...keySets.values()].filter((keySet) => !hasKeys(keySet)).length;
  return {
    verifier: createTokenVerifier({ keySets, revocations, policy: jwt, clock }),
    tokenDesk: createTokenDesk({ revocations, log }),
    warm() {
      for (const keySet of keySets.values()) void keySet.warm();
    },
    keysLoaded: () => missing() < keySets.size,
    degraded: () =>
      missing() === 0 ? {} : { keys: `missing of ${missing()} of ${keySets.size} issuers` },
  };
}

function keySetOf(
  issuer: string,
  { keys, algorithms }: Config["jwt"],
  { fetch, clock, log }: Environment,
): KeySet {
  if (keys.kind === "static") {
    return createStaticKeySet({ untrustedText: keys.untrustedText, algorithms, log });
  }
  const source = keys.kind === "remote"
    ? keysAt({ url: keys.url, fetch })
    : keysOfIssuer({ issuer, fetch, clock });
  return createRemoteKeySet({ issuer, source, algorithms, clock, log });
}

/** Without keys no token comes through to make the key set try again, so whoever asks for readiness does. */
function hasKeys(keySet: KeySet): boolean {
  const { loaded } = keySet.state();
  if (!loaded) void keySet.warm();
  return loaded;
}
