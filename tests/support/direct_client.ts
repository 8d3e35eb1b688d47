import { createHttpClient, type HttpClient } from "../../services/http/client.ts";
import { createConnector, systemDialler } from "../../services/http/connector.ts";
import { type Clock, systemClock } from "../../services/support/clock.ts";

/** A client that dials hosts as they are named: loopback addresses, as it is for tests. */
export function createDirectClient(
  { clock = systemClock }: { readonly clock?: Clock } = {},
): HttpClient {
  const addressesOf = ({ hostname }: { readonly hostname: string }) => Promise.resolve([hostname]);
  const connect = createConnector({ addressesOf, dialler: systemDialler, clock });
  return createHttpClient({ connect, clock });
}
