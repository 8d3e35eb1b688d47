import type { Operation } from "../contact_centre/dialect/operations.ts";
import type { UpstreamRequest } from "../contact_centre/rest/call.ts";
import type { Place } from "./place.ts";

/** Something an agent asks of a session, ready to be forwarded. */
export interface SessionCall extends Place {
  readonly request: UpstreamRequest;
}

/** The same with an operation that was read from the body. */
export interface OperationCall extends SessionCall {
  readonly operation: Operation;
}
