import type { Faults, PlannedFault } from "../kit/faults.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import { errorBody } from "./api_error.ts";

/** The ways in which the next send goes wrong; reads are not touched, so a look-up afterwards works. */
export interface TwilioFaults extends Faults {
  /** 429 with code 20429; nothing is sent. */
  rateLimited(options?: { readonly retryAfterS?: number }): PlannedFault;
  /** 500 with code 20500, and the message was sent all the same if `when` says so. */
  serverError(options?: { readonly when?: "before-acting" | "after-acting" }): PlannedFault;
  /** No answer, and nothing is sent. */
  timeoutBeforeActing(): PlannedFault;
  /** No answer, but the message is sent. */
  timeoutAfterActing(): PlannedFault;
  /** The connection breaks; the message was sent all the same if `when` says so. */
  connectionReset(options?: { readonly when?: "before-acting" | "after-acting" }): PlannedFault;
  /** 400 to the next send with media, with `code` (default 21623: these cannot be used); nothing is sent. */
  mediaRefused(options?: { readonly code?: number }): PlannedFault;
  /** The next reading of media goes wrong; `elsewhere`: it is sent on to `url`, on a host that is not Twilio's. */
  media(fault: MediaFault, url?: string): PlannedFault;
}

/** What goes wrong with the next reading of media. */
export type MediaFault = "server-error" | "hang" | "elsewhere";

const SERVER_ERROR = {
  status: 500,
  body: errorBody({ status: 500, code: 20500, message: "Internal server error" }),
} as const;

/** Twilio's own faults on top of the general ones. */
export function createTwilioFaults(faults: Faults): TwilioFaults {
  const matching = ({ method }: RecordedRequest) => method === "POST";
  return {
    ...faults,
    rateLimited: ({ retryAfterS } = {}) =>
      faults.next({
        kind: "status",
        status: 429,
        body: errorBody({ status: 429, code: 20429, message: "Too many requests" }),
        headers: retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) },
      }, { matching }),
    serverError: ({ when = "before-acting" } = {}) =>
      faults.next({ ...SERVER_ERROR, kind: "status" }, { matching, when }),
    timeoutBeforeActing: () => faults.next("hang", { matching }),
    timeoutAfterActing: () => faults.next("hang", { matching, when: "after-acting" }),
    mediaRefused: ({ code = 21623 } = {}) =>
      faults.next({
        kind: "status",
        status: 400,
        body: errorBody({ status: 400, code, message: "The media cannot be used" }),
      }, { matching: (request) => matching(request) && /(?:^|&)MediaUrl=/.test(request.body) }),
    media(fault, url = "https://elsewhere.example/picture.png") {
      const options = { matching: ({ path }: RecordedRequest) => /\/Media\/ME/.test(path) };
      switch (fault) {
        case "elsewhere":
          return faults.next({ kind: "redirect", location: url, status: 307 }, options);
        case "server-error":
          return faults.next({ ...SERVER_ERROR, kind: "status" }, options);
        case "hang":
          return faults.next("hang", options);
      }
    },
    connectionReset: ({ when = "before-acting" } = {}) => faults.next("reset", { matching, when }),
  };
}
