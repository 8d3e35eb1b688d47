import { domainToUnicode } from "node:url";

/** What Twilio signed together with the URL. */
export type SignedContent =
  /** A form: each name once, with its values in the order in which they came. */
  | { readonly kind: "form"; readonly fields: Readonly<Record<string, string | string[]>> }
  /** Any other body: the URL holds its SHA-256 as `bodySHA256`. */
  | { readonly kind: "raw"; readonly untrustedBody: string };

/** A request that says of itself that Twilio sent it. */
export interface SignedRequest {
  /** As {@link signedUrls} makes it. */
  readonly url: string;
  /** The header `X-Twilio-Signature`. */
  readonly untrustedSignature: string | null | undefined;
  readonly content: SignedContent;
}

export interface SignatureVerifier {
  /** Whether one of the account's tokens made the signature. Whatever cannot be judged is refused. */
  verify(request: SignedRequest): Promise<boolean>;
}

export interface SignatureVerifierOptions {
  readonly authToken: string;
  /** The second token that is accepted while tokens are changed. */
  readonly authTokenNext: string | null;
}

/**
 * Checks `X-Twilio-Signature` (https://www.twilio.com/docs/usage/security) with the `twilio` package's own validator. Only
 * that part of the package is loaded, with the first request: it takes some 20 ms where the whole takes 100 to 300.
 *
 * The signature covers less than it seems, so a request that passes is still to be read by `form.ts`.
 */
export function createSignatureVerifier(
  { authToken, authTokenNext }: SignatureVerifierOptions,
): SignatureVerifier {
  // Anybody can sign with an empty key.
  const tokens = [authToken, authTokenNext ?? ""].filter((token) => token !== "");

  return {
    async verify({ url, untrustedSignature, content }) {
      if (!untrustedSignature || tokens.length === 0) return false;
      const { validateRequest, validateRequestWithBody } = await import(
        "twilio/lib/webhooks/webhooks.js"
      );
      const isSignedWith = (token: string): boolean => {
        try {
          return content.kind === "form"
            ? validateRequest(token, untrustedSignature, url, content.fields)
            : validateRequestWithBody(token, untrustedSignature, url, content.untrustedBody);
        } catch {
          // It throws on what it cannot parse, such as a URL without a scheme.
          return false;
        }
      };
      return tokens.some(isSignedWith);
    },
  };
}

/** `PUBLIC_URL`. */
export interface PublicUrl {
  readonly url: URL;
  /** As the operator has typed it, capitals, port and letters beyond ASCII included. */
  readonly typed: string;
}

/**
 * The URLs that Twilio may have been given, one of which it signs: `PUBLIC_URL` (its port belongs to it) and the request's
 * target byte for byte. Twilio signs what somebody typed into its console, as typed; that is most likely what was typed
 * here as well, else the plain form of the same address, its name in the letters that it stands for, or the capitals by which
 * the request calls us. Beyond capitals neither `Host` nor a forwarding header has a say, nor the fragment, which holds
 * Twilio's connection overrides and is not signed.
 *
 * `requestUrl` is to be `Request.url` of a request from `Deno.serve`, which leaves `Host` and target as they came over the wire
 * (seen with Deno 2.9.6; a test holds it). Every other `Request`, and `URL`, would have turned `'` into `%27` and resolved `..`.
 */
export function signedUrls({ url, typed }: PublicUrl, requestUrl: string): readonly string[] {
  const [, calledHost = "", target = ""] =
    /^(?:[a-z][a-z0-9+.-]*:\/\/([^/?#:]*)[^/?#]*)?([^#]*)/is.exec(requestUrl) ?? [];
  const port = url.port === "" ? "" : `:${url.port}`;
  const named = (host: string) => `${url.protocol}//${host}${port}`;
  const origins = [url.href, typed, named(domainToUnicode(url.hostname))]
    .map((origin) => origin.replace(/\/$/, ""));
  if (calledHost.toLowerCase() === url.hostname) origins.push(named(calledHost));
  return [...new Set(origins)].map((origin) => origin + target);
}
