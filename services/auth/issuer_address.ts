/**
 * Where an issuer's metadata are, in the order in which they are asked for; null where the issuer is no URL to which they
 * could belong (OpenID Connect Discovery 1.0 §4.1: a URL without query or fragment). The first is Discovery's, which puts
 * its path behind the issuer's; the second is that of RFC 8414 §3, which puts it in front.
 */
export function metadataAddresses(issuer: string): readonly URL[] | null {
  const url = /[?#\s\\]/.test(issuer) ? null : URL.parse(issuer);
  if (url === null || !/^https?:\/\//i.test(issuer) || hasCredentials(url)) return null;
  const path = url.pathname.replace(/\/$/, "");
  return [
    new URL(`${url.origin}${path}/.well-known/openid-configuration`),
    new URL(`${url.origin}/.well-known/oauth-authorization-server${path}`),
  ];
}

/**
 * Whether an issuer may name this address for its keys: https, or http where the issuer itself is reached by that, which
 * is the operator's choice. Whoever can change what comes over http could hand in keys of his own.
 */
export function isKeyAddress(url: URL, issuer: string): boolean {
  const isOpen = url.protocol === "http:" && /^http:/i.test(issuer);
  return (url.protocol === "https:" || isOpen) && !hasCredentials(url);
}

function hasCredentials({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}
