import type { Deadline } from "../http/deadline.ts";
import type { Clock } from "../support/clock.ts";
import type { JsonObject } from "../support/json_object.ts";
import { isKeyAddress, metadataAddresses } from "./issuer_address.ts";
import { fetchJsonObject, UnexpectedStatus } from "./json_document.ts";

/** Where a key set comes from: asks once, and rejects with a reason fit for the log. Nothing of the answer is checked. */
export type KeySource = (deadline: Deadline) => Promise<JsonObject>;

/** The set at an address. */
export function keysAt(
  { url, fetch }: { readonly url: URL; readonly fetch: typeof globalThis.fetch },
): KeySource {
  const accept = "application/jwk-set+json, application/json";
  return (deadline) => fetchJsonObject({ url, accept, fetch, deadline });
}

/** How long an issuer's word on where its keys are is taken without asking again; as long as the keys themselves. */
const METADATA_FRESH_MS = 10 * 60_000;

export interface IssuerKeysOptions {
  /** To the letter, as the tokens say it. */
  readonly issuer: string;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
}

/**
 * The set of an issuer that tells by itself where its keys are (OpenID Connect Discovery 1.0 §4, RFC 8414 §3). What it
 * tells is kept for ten minutes, and asked for anew after the keys could not be had from there.
 *
 * @throws TypeError when the issuer is no URL to which its metadata could belong
 */
export function keysOfIssuer({ issuer, fetch, clock }: IssuerKeysOptions): KeySource {
  const addresses = metadataAddresses(issuer);
  if (addresses === null) {
    throw new TypeError(`Cannot discover the keys of ${issuer}: expected an http or https URL`);
  }
  let known: { readonly keys: URL; readonly askedAtMs: number } | null = null;

  return async function keys(deadline) {
    const nowMs = clock.now();
    if (known === null || nowMs - known.askedAtMs >= METADATA_FRESH_MS) {
      const metadata = await readMetadata(addresses, fetch, deadline);
      known = { keys: keyAddressIn(metadata, issuer), askedAtMs: nowMs };
    }
    try {
      return await keysAt({ url: known.keys, fetch })(deadline);
    } catch (error) {
      known = null;
      throw error;
    }
  };
}

/** Asks the next address only where there is nothing at the one before. */
async function readMetadata(
  addresses: readonly URL[],
  fetch: typeof globalThis.fetch,
  deadline: Deadline,
): Promise<JsonObject> {
  let missing: unknown = null;
  for (const url of addresses) {
    try {
      return await fetchJsonObject({ url, accept: "application/json", fetch, deadline });
    } catch (error) {
      const isMissing = error instanceof UnexpectedStatus && error.status === 404;
      if (!isMissing) throw error;
      missing ??= error;
    }
  }
  throw missing;
}

function keyAddressIn({ issuer, jwks_uri: untrustedUrl }: JsonObject, expected: string): URL {
  // Discovery §4.3: a document of another issuer would let that one sign for this one.
  if (issuer !== expected) {
    throw new Error(`expected "issuer" to be ${expected} in its metadata, to the letter`);
  }
  const url = typeof untrustedUrl === "string" ? URL.parse(untrustedUrl) : null;
  if (url === null || !isKeyAddress(url, expected)) {
    throw new Error('expected "jwks_uri" to be an https URL in its metadata');
  }
  return url;
}
