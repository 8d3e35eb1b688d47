import { isJsonObject, type JsonObject } from "../../support/json_object.ts";
import { heardSessionId } from "./ids.ts";
import { COLLECTION_SPELLINGS, SESSION_SPELLINGS } from "./paths.ts";

const COLLECTIONS: ReadonlySet<string> = new Set(COLLECTION_SPELLINGS);
const SCHEME_AND_AUTHORITY = /^[a-z][a-z0-9+.-]*:\s*\/\/[^/]*/i;

/** The session resource inside a state notification, under either spelling; null where there is none. */
export function sessionResourceOf(untrustedNotification: JsonObject): JsonObject | null {
  for (const name of SESSION_SPELLINGS) {
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
    ...SESSION_SPELLINGS.flatMap((name) => [
      untrustedNotification[`${name}Path`],
      untrustedNotification[`${name}Uri`],
    ]),
    resource?.path,
    resource?.uri,
  ];
  return heardSessionId(resource?.id) ??
    untrustedAddresses.map(idInAddress).find((id) => id !== null) ?? null;
}

/** Whether a notification means to be about a session, whatever it says of which. */
export function namesSession(untrustedNotification: JsonObject): boolean {
  return SESSION_SPELLINGS.some((name) =>
    [name, `${name}Path`, `${name}Uri`].some((member) => untrustedNotification[member] != null)
  );
}

/** The id in `http://host/api/v2/smssessions/{id}` or `/smssessions/{id}`, percent-decoded; null where there is none. */
function idInAddress(untrustedAddress: unknown): string | null {
  if (typeof untrustedAddress !== "string") return null;
  const path = untrustedAddress.trim().replace(SCHEME_AND_AUTHORITY, "").replace(/[?#].*$/s, "");
  const segments = path.split("/").filter((segment) => segment !== "");
  const collection = segments.findLastIndex((segment) => COLLECTIONS.has(segment.toLowerCase()));
  const segment = collection === -1 ? segments.at(-1) : segments[collection + 1];
  try {
    return segment === undefined ? null : heardSessionId(decodeURIComponent(segment));
  } catch {
    return null; // a percent sign that encodes nothing
  }
}
