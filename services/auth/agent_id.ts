/** The longest agent id that is taken, in UTF-16 code units. */
export const AGENT_ID_MAX_LENGTH = 512;

/** What an agent's id has to be, for error messages. */
export const EXPECTED_AGENT_ID =
  `an agent's id of 1 to ${AGENT_ID_MAX_LENGTH} characters, without control characters`;

/**
 * Whether this is the id of an agent, wherever it is named. The issuer of the tokens chooses it, so it may be nearly
 * anything; but a lone surrogate has no bytes (RFC 3629 §3), so two agents would be one to a store, a database may
 * take a control character such as NUL for the end, and blanks alone name nobody.
 */
export function isAgentId(untrustedId: unknown): untrustedId is string {
  return typeof untrustedId === "string" && untrustedId.length <= AGENT_ID_MAX_LENGTH &&
    untrustedId.isWellFormed() && untrustedId.trim() !== "" && !/\p{Cc}/u.test(untrustedId);
}
