import { isJsonObject, type JsonObject } from "../../support/json_object.ts";

// Upstream writes both `smssession` and `smsession` (reference: SMSGetMessages and SMSSetDisposition of the GWS 8.5.2
// documentation against the other pages).
const SPELLINGS = ["smssession", "smsession"] as const;
const COLLECTION_SEGMENT = /^smss?essions$/i;
const SCHEME_AND_AUTHORITY = /^[a-z][a-z0-9+.-]*:\s*\/\/[^/]*/i;

/** The longest session id that is taken; upstream's own have 16 characters. */
export const SESSION_ID_MAX_LENGTH = 128;
const SESSION_ID = new RegExp(`^[^\\s\\p{Cc}/]{1,${SESSION_ID_MAX_LENGTH}}$`, "u");

/** The session resource inside a state notification, under either spelling; null where there is none. */
export function sessionResourceOf(untrustedNotification: JsonObject): JsonObject | null {
  for (const name of SPELLINGS) {
    const resource = untrustedNotification[name];
    if (isJsonObject(resource)) return resource;
  }
  return null;
}

/**
 * Which session a notification is about: the resource's `id`, else the id in its or the notification's path or
 * address (NewMessages has nothing else, SMSResources of the GWS documentation). Null where none is usable.
 */
export function sessionIdOf(untrustedNotification: JsonObject): string | null {
  const resource = sessionResourceOf(untrustedNotification);
  const untrustedAddresses = [
    ...SPELLINGS.flatMap((name) => [
      untrustedNotification[`${name}Path`],
      untrustedNotification[`${name}Uri`],
    ]),
    resource?.path,
    resource?.uri,
  ];
  return usableId(resource?.id) ??
    untrustedAddresses.map(idInAddress).find((id) => id !== null) ?? null;
}

/** Whether a notification means to be about a session, whatever it says of which. */
export function namesSession(untrustedNotification: JsonObject): boolean {
  return SPELLINGS.some((name) =>
    [name, `${name}Path`, `${name}Uri`].some((member) => untrustedNotification[member] != null)
  );
}

/** The id in `http://host/api/v2/smssessions/{id}` or `/smssessions/{id}`, percent-decoded; null where there is none. */
function idInAddress(untrustedAddress: unknown): string | null {
  if (typeof untrustedAddress !== "string") return null;
  const path = untrustedAddress.trim().replace(SCHEME_AND_AUTHORITY, "").replace(/[?#].*$/s, "");
  const segments = path.split("/").filter((segment) => segment !== "");
  const collection = segments.findLastIndex((segment) => COLLECTION_SEGMENT.test(segment));
  const segment = collection === -1 ? segments.at(-1) : segments[collection + 1];
  try {
    return segment === undefined ? null : usableId(decodeURIComponent(segment));
  } catch {
    return null; // a percent sign that encodes nothing
  }
}

function usableId(untrustedId: unknown): string | null {
  if (typeof untrustedId !== "string") return null;
  const id = untrustedId.trim();
  return SESSION_ID.test(id) ? id : null;
}
