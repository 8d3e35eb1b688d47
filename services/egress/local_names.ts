/**
 * Names below these never leave a machine or its network: `localhost` and `onion` (RFC 6761, RFC 7686), `local` and what
 * RFC 6762 appendix G found in use beside it, `corp`, `home` and `mail` (never to be delegated, ICANN 2018-02-04),
 * `internal` (ICANN 2024-07-29), `arpa` with `home.arpa` (RFC 8375), `alt` (RFC 9476), and what clusters and old networks
 * call their own.
 */
const LOCAL_SUFFIXES: readonly string[] = [
  "alt",
  "arpa",
  "cluster",
  "corp",
  "home",
  "internal",
  "intranet",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "mail",
  "onion",
  "private",
  "svc",
];

/** Whether a host name (lower case, no dot at its end) is one that no public resolver knows. */
export function isLocalName(host: string): boolean {
  return !host.includes(".") || LOCAL_SUFFIXES.some((suffix) => host.endsWith(`.${suffix}`));
}
