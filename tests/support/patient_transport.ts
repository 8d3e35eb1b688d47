import { createRespTransport } from "../../services/store/redis/resp_transport.ts";
import type { RedisTransport } from "../../services/store/redis/transport.ts";

/** How long a Redis has that nobody takes away: all the time that a busy machine needs. */
export const PATIENT_MS = 20_000;

/** The way to a Redis whose absence is not what the test is about. */
export function createPatientTransport(url: string): RedisTransport {
  return createRespTransport({ url, deadlineMs: PATIENT_MS });
}

/** What a store may close although others go on using it. */
export function keptOpen(transport: RedisTransport): RedisTransport {
  return { ...transport, close: () => Promise.resolve() };
}
