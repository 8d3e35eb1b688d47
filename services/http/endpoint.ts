/** What a connection for a URL is made to. */
export interface Endpoint {
  readonly isSecure: boolean;
  /** A name, or an address without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** The endpoint of an http or https URL; without a port it has the scheme's own (RFC 9110 §4.2). */
export function endpointOf({ protocol, hostname, port }: URL): Endpoint {
  const isSecure = protocol === "https:";
  return {
    isSecure,
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (isSecure ? 443 : 80)),
  };
}
