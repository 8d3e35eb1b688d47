/** What customers send beside words, as the simulated Twilio keeps it: behind the account's credentials, then at the CDN. */
import assert from "node:assert/strict";
import { startTwilio } from "../../../simulator/twilio/server.ts";
import type { Twilio } from "../../../simulator/twilio/twilio.ts";
import { startHookServer } from "./hook_server.ts";
import { TO } from "./client.ts";

const BYTES = Uint8Array.from([1, 2, 3, 4, 5]);

function read({ accountSid, authToken }: Twilio, url: string, init: RequestInit = {}) {
  const authorization = `Basic ${btoa(`${accountSid}:${authToken}`)}`;
  return fetch(url, { redirect: "manual", ...init, headers: { authorization, ...init.headers } });
}

Deno.test("media are told of with a text; the API wants credentials and redirects to the CDN, which wants none", async () => {
  await using hooks = startHookServer(() => new Response("<Response/>"));
  await using twilio = await startTwilio({ inboundUrl: hooks.url });
  await twilio.textIn({ from: TO, media: [{ bytes: BYTES, contentType: "image/png" }] });
  const { fields } = await hooks.requests.received(1);
  assert.deepEqual([fields["NumMedia"], fields["MediaContentType0"]], ["1", "image/png"]);
  const url = fields["MediaUrl0"] ?? "";
  const stranger = await fetch(url);
  await stranger.body?.cancel();
  assert.equal(stranger.status, 401);
  for (const method of ["GET", "HEAD"]) {
    const redirect = await read(twilio, url, { method });
    await redirect.body?.cancel();
    assert.equal(redirect.status, 307);
    const answer = await fetch(redirect.headers.get("location") ?? "", { method });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    assert.equal(answer.headers.get("content-type"), "image/png");
    assert.equal(answer.headers.get("content-length"), "5");
    assert.deepEqual(bytes, method === "GET" ? BYTES : new Uint8Array());
  }
});

Deno.test("the CDN knows ranges, and what is removed is gone", async () => {
  await using twilio = await startTwilio();
  const url = twilio.media.keep({ bytes: BYTES, contentType: "image/png" });
  const ranges = [
    ["bytes=1-2", 206, "bytes 1-2/5", [2, 3]],
    ["bytes=3-", 206, "bytes 3-4/5", [4, 5]],
    ["bytes=-2", 206, "bytes 3-4/5", [4, 5]],
    ["bytes=0-99", 206, "bytes 0-4/5", [1, 2, 3, 4, 5]],
    ["bytes=9-", 416, "bytes */5", []],
    ["bytes=-", 200, null, [1, 2, 3, 4, 5]],
  ] as const;
  for (const [range, status, contentRange, bytes] of ranges) {
    const answer = await read(twilio, url, { redirect: "follow", headers: { range } });
    const got = [...new Uint8Array(await answer.arrayBuffer())];
    const told = answer.headers.get("content-range");
    assert.deepEqual([answer.status, told, got], [status, contentRange, bytes], range);
  }
  twilio.media.remove(url);
  const gone = await read(twilio, url);
  assert.equal(gone.status, 404);
  assert.equal((await gone.json()).code, 20404);
});

Deno.test("media and their faults are pulled by control too", async () => {
  await using hooks = startHookServer(() => new Response("<Response/>"));
  await using twilio = await startTwilio({ control: true, inboundUrl: hooks.url });
  const control = async (path: string, body: unknown) => {
    const answer = await fetch(`${twilio.url}/control${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    assert.equal(answer.status, 200, await answer.text());
  };
  const media = [
    { base64: "AQID", contentType: "image/gif" },
    { length: 7, contentType: "video/mp4" },
    { url: "https://media.example/1", contentType: "image/png" },
  ];
  await control("/texts", { from: TO, media });
  const { fields } = await hooks.requests.received(1);
  const url = fields["MediaUrl0"] ?? "";
  const sizes = await Promise.all([url, fields["MediaUrl1"] ?? ""].map(async (each) => {
    const answer = await read(twilio, each, { redirect: "follow" });
    return (await answer.arrayBuffer()).byteLength;
  }));
  assert.deepEqual([...sizes, fields["MediaUrl2"]], [3, 7, "https://media.example/1"]);

  await control("/media/faults", { fault: "elsewhere", url: "https://else.example/x" });
  const elsewhere = await read(twilio, url);
  await elsewhere.body?.cancel();
  assert.equal(elsewhere.headers.get("location"), "https://else.example/x");
  await control("/media/faults", { fault: "server-error", times: 1 });
  const broken = await read(twilio, url);
  await broken.body?.cancel();
  assert.equal(broken.status, 500);
  await control("/media/removed", { url });
  const gone = await read(twilio, url);
  await gone.body?.cancel();
  assert.equal(gone.status, 404);
});
