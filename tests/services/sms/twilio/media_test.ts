import assert from "node:assert/strict";
import {
  createTwilioMedia,
  placeAfterRedirect,
  placeOfMedia,
} from "../../../../services/sms/twilio/media.ts";
import type { MediaRequest } from "../../../../services/sms/provider.ts";
import { startScriptedTwilio } from "../../../support/scripted_twilio.ts";

const PATH = "/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1";
const TWILIO = new URL("https://api.twilio.com");
const SIMULATED = new URL("http://127.0.0.1:8091");

const AT_API = [
  [`https://api.twilio.com${PATH}`, TWILIO, `https://api.twilio.com${PATH}`],
  [`https://api.sydney.au1.twilio.com${PATH}?a=b`, TWILIO, `https://api.twilio.com${PATH}?a=b`],
  [`https://api.twilio.com${PATH}`, SIMULATED, `http://127.0.0.1:8091${PATH}`],
  [`http://127.0.0.1:8091${PATH}`, SIMULATED, `http://127.0.0.1:8091${PATH}`],
  // A path is never a host, whatever it looks like: the credentials would go there.
  ["https://api.twilio.com//evil.example/x", SIMULATED, "http://127.0.0.1:8091//evil.example/x"],
  ["https://api.twilio.com/\\evil.example/x", TWILIO, "https://api.twilio.com//evil.example/x"],
] as const;

Deno.test("what is at Twilio's API is read at ours, with credentials", () => {
  for (const [address, apiUrl, read] of AT_API) {
    const place = placeOfMedia(address, apiUrl);
    assert.deepEqual([place?.url.href, place?.wantsCredentials], [read, true], address);
  }
});

const CDN = [
  "https://mms.twiliocdn.com/AC1/x",
  "https://media.twiliocdn.com/AC1/x",
  "https://mcs.us1.twilio.com/v1/Services/IS1/Media/ME1",
  "https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC1/x?signed=1",
];
const ELSEWHERE = [
  "http://media.twiliocdn.com/x",
  "https://media.twiliocdn.com:8443/x",
  "https://user@media.twiliocdn.com/x",
  "https://media.twiliocdn.com.evil.example/x",
  "https://eviltwilio.com/x",
  "https://evil-twiliocdn.com/x",
  "https://api.twilio.com.evil.example/x",
  "https://api.twilio.com@evil.example/x",
  "https://s3-external-1.amazonaws.com/other-bucket/x",
  "https://s3-external-1.amazonaws.com/media.twiliocdn.com/../other-bucket/x",
  "https://127.0.0.1/x",
  "http://169.254.169.254/latest/meta-data",
  "//evil.example/x",
  "file:///etc/passwd",
  "data:image/png;base64,AAAA",
  "",
];

Deno.test("redirects are followed to Twilio's hosts alone, and without credentials", () => {
  for (const address of CDN) {
    for (
      const place of [placeAfterRedirect(address, TWILIO, TWILIO), placeOfMedia(address, TWILIO)]
    ) {
      assert.deepEqual([place?.url.href, place?.wantsCredentials], [address, false]);
    }
  }
  const relative = placeAfterRedirect("/cdn/x", new URL(PATH, SIMULATED), SIMULATED);
  assert.deepEqual(
    [relative?.url.href, relative?.wantsCredentials],
    ["http://127.0.0.1:8091/cdn/x", false],
  );
  for (const address of ELSEWHERE) {
    assert.equal(placeOfMedia(address, SIMULATED), null, address);
    if (address !== "") assert.equal(placeAfterRedirect(address, TWILIO, SIMULATED), null, address);
  }
  // With Twilio itself a simulator's origin is one like any other.
  assert.equal(placeAfterRedirect(`${SIMULATED}cdn/x`, TWILIO, TWILIO), null);
});

Deno.test("a redirect without an end is given up", async () => {
  await using twilio = await startScriptedTwilio();
  const url = twilio.media.keep({ bytes: new Uint8Array(1), contentType: "image/png" });
  for (let i = 0; i < 5; i++) twilio.faults.media("elsewhere", url);
  const { fetchMedia } = createTwilioMedia({
    accountSid: twilio.accountSid,
    authToken: twilio.authToken,
    apiUrl: new URL(twilio.url),
    timeoutMs: 5_000,
    fetch,
  });
  const request: MediaRequest = {
    url,
    method: "GET",
    range: null,
    signal: new AbortController().signal,
  };
  assert.deepEqual(await fetchMedia(request), {
    kind: "failed",
    timedOut: false,
    reason: "it was redirected too often",
  });
  assert.equal(twilio.requests.items.length, 3);
});
