import assert from "node:assert/strict";
import * as v from "valibot";
import { type Answer, request } from "./client.ts";
import { assertProblem } from "./problem.ts";
import { openSqliteFile } from "./stores.ts";
import { bringText, customerText, type Fields } from "./twilio_calls.ts";
import { PUBLIC_URL, startWorld, type World } from "./world.ts";

const MediaShape = v.array(v.strictObject({
  contentType: v.nullable(v.string()),
  size: v.nullable(v.number()),
  url: v.string(),
}));

/** No picture, but bytes that are not text either. */
const PICTURE = Uint8Array.from({ length: 3_000 }, (_, index) => (index * 31) % 256);
/** Beyond what is relayed. */
const TOO_LONG = new Uint8Array(5 * 1024 * 1024 + 1);

/** A customer sends media under these addresses of Twilio's; what webhooks are told of them. */
async function send(world: World, urls: readonly string[], contentType = "image/png") {
  const session = world.freshSession();
  const phone = world.freshPhone();
  const agent = await world.agent("agent-1");
  await agent.accept(session);
  await agent.put(`/v1/sessions/${session}/customer`, { phone });
  const consumer = await world.consumer({ eventTypes: ["sms.received"] });
  const fields = customerText(
    world,
    phone,
    "",
    {
      NumMedia: String(urls.length),
      ...Object.fromEntries(urls.flatMap((url, index): [string, string][] => [
        [`MediaUrl${index}`, url],
        [`MediaContentType${index}`, contentType],
      ])),
    } satisfies Fields,
  );
  const answer = await bringText(world, fields);
  assert.equal(answer.status, 200, answer.text);
  const { event } = await consumer.received(session, "sms.received");
  return { session, agent, consumer, media: v.parse(MediaShape, event.data["media"]) };
}

/** What the world behind `PUBLIC_URL` sees of an address there. */
function local(world: World, url: string): string {
  assert.ok(url.startsWith(`${PUBLIC_URL}/v1/media/`), `${url} is an address of ours`);
  return world.patchbay.url + url.slice(PUBLIC_URL.length);
}

async function urlOf(world: World, bytes: Uint8Array<ArrayBuffer>, contentType = "image/png") {
  const kept = world.twilio.media.keep({ bytes, contentType });
  const { media: [told] } = await send(world, [kept], contentType);
  assert.ok(told !== undefined);
  return { kept, url: local(world, told.url) };
}

const bytesOf = async (url: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(url, { headers });
  return { answer, bytes: new Uint8Array(await answer.arrayBuffer()) };
};

const assertNotFound = (answer: Answer): string => assertProblem(answer, "not-found");

Deno.test("a consumer without the account's credentials could not read the picture that a customer had sent", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const kept = world.twilio.media.keep({ bytes: PICTURE, contentType: "image/png" });
  // Twilio names the API's public host, wherever the API is reached.
  const atTwilio = kept.replace(world.twilio.url, "https://api.twilio.com");
  const { media } = await send(world, [kept, atTwilio]);
  assert.equal(media.length, 2);
  for (const { contentType, size, url } of media) {
    assert.deepEqual([contentType, size], ["image/png", null]);
    assert.ok(!url.includes(world.twilio.accountSid));
    const { answer, bytes } = await bytesOf(local(world, url));
    assert.equal(answer.status, 200);
    assert.deepEqual(bytes, PICTURE);
    const header = (name: string) => answer.headers.get(name);
    assert.equal(header("content-type"), "image/png");
    assert.equal(header("content-length"), String(PICTURE.length));
    assert.match(header("content-disposition") ?? "", /^attachment/);
    assert.equal(header("x-content-type-options"), "nosniff");
    assert.match(header("content-security-policy") ?? "", /sandbox/);
    assert.match(header("cache-control") ?? "", /no-store/);
    assert.equal(header("accept-ranges"), "bytes");
  }
  const asked = world.twilio.requests.items.filter(({ path }) => path.startsWith("/cdn/"));
  assert.deepEqual(asked.map(({ headers }) => headers.get("authorization")), [null, null]);
});

Deno.test("media are read by HEAD and in ranges too", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { url } = await urlOf(world, PICTURE);
  const head = await fetch(url, { method: "HEAD" });
  assert.deepEqual(
    [head.status, head.headers.get("content-length"), head.headers.get("content-type")],
    [200, String(PICTURE.length), "image/png"],
  );
  assert.equal(await head.text(), "");
  const part = await bytesOf(url, { range: "bytes=100-199" });
  assert.equal(part.answer.status, 206);
  assert.equal(part.answer.headers.get("content-range"), `bytes 100-199/${PICTURE.length}`);
  assert.deepEqual(part.bytes, PICTURE.slice(100, 200));
  const last = await bytesOf(url, { range: "Bytes=-10" });
  assert.deepEqual([last.answer.status, last.bytes], [206, PICTURE.slice(-10)]);
  // What is no range, or means several, is answered with the whole (RFC 9110 §14.2).
  for (const range of ["bytes=0-1,5-6", "lines=1-2", "bytes=5-2", "bytes=", "bytes=x-y"]) {
    const whole = await bytesOf(url, { range });
    assert.deepEqual([whole.answer.status, whole.bytes.length], [200, PICTURE.length], range);
  }
});

Deno.test("a range that nobody can satisfy was answered with the whole, and HEAD with a part", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { url } = await urlOf(world, PICTURE);
  for (const range of ["bytes=3000-", "bytes=9000-9999", "bytes=-0"]) {
    const answer = await request(url, { headers: { range } });
    assertProblem(answer, "range-not-satisfiable");
    assert.equal(answer.headers.get("content-range"), `bytes */${PICTURE.length}`);
  }
  // A range is a matter of GET alone (RFC 9110 §14.2).
  const head = await fetch(url, { method: "HEAD", headers: { range: "bytes=0-9" } });
  assert.deepEqual(
    [head.status, head.headers.get("content-length"), head.headers.get("content-range")],
    [200, String(PICTURE.length), null],
  );
});

Deno.test("what is no reference of ours, or leads to nothing any more, is the same 404", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const { kept, url } = await urlOf(world, PICTURE);
  const at = url.lastIndexOf("/") + 1;
  const reference = url.slice(at);
  const middle = Math.floor(reference.length / 2);
  const altered = reference.slice(0, middle) + (reference[middle] === "A" ? "B" : "A") +
    reference.slice(middle + 1);
  const details = new Set<string>();
  for (const wrong of [altered, reference.slice(1), `${reference}A`, "x", "a.b.c.d.e", "%00"]) {
    details.add(assertNotFound(await request(url.slice(0, at) + wrong)));
  }
  const foreign = await send(world, [
    "https://elsewhere.example/1",
    `${world.upstream.url.href}cat.png`,
  ]);
  for (const told of foreign.media) {
    details.add(assertNotFound(await request(local(world, told.url))));
  }
  for (const [bytes, type] of [[TOO_LONG, "image/png"], [PICTURE, "text/html"]] as const) {
    const refused = await urlOf(world, bytes, type);
    details.add(assertNotFound(await request(refused.url)));
    assert.equal((await request(refused.url, { method: "HEAD" })).status, 404);
  }
  const svg = await urlOf(world, PICTURE, "image/svg+xml");
  details.add(assertNotFound(await request(svg.url)));
  world.twilio.faults.media("elsewhere", `${world.upstream.url.href}cat.png`);
  details.add(assertNotFound(await request(url)));
  world.twilio.media.remove(kept);
  details.add(assertNotFound(await request(url)));
  assert.equal(details.size, 1);
  assert.ok(!world.upstream.requests.items.some(({ target }) => target.includes("cat.png")));
});

Deno.test("the media of a session end when it is expunged", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store);
  const kept = world.twilio.media.keep({ bytes: PICTURE, contentType: "image/png" });
  const { session, agent, media: [told] } = await send(world, [kept]);
  const url = local(world, told?.url ?? "");
  assert.equal((await bytesOf(url)).answer.status, 200);
  const expunged = await agent.post(`/v1/sessions/${session}/expunge`);
  assert.ok(expunged.status < 300, expunged.text);
  assertNotFound(await request(url));
});

Deno.test("media end with their event, after EVENT_RETENTION_S", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { EVENT_RETENTION_S: "2" });
  const { url } = await urlOf(world, PICTURE);
  const startedMs = performance.now();
  while ((await request(url)).status === 200) {
    assert.ok(performance.now() - startedMs < 10_000, "still there");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertNotFound(await request(url));
});

Deno.test("a Twilio that is away is not the reader's fault", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { WEBHOOK_TIMEOUT_MS: "1000" });
  const { url } = await urlOf(world, PICTURE);
  world.twilio.faults.media("server-error");
  assertProblem(await request(url), "upstream-unavailable");
  world.twilio.faults.media("hang");
  assertProblem(await request(url), "upstream-timeout");
  assert.equal((await bytesOf(url)).answer.status, 200);
  await world.twilio[Symbol.asyncDispose]();
  assertProblem(await request(url), "upstream-unavailable");
});

Deno.test("the log shows neither the reference nor where Twilio keeps the media", async () => {
  await using store = await openSqliteFile();
  await using world = await startWorld(store, { LOG_LEVEL: "debug" });
  const { url, kept } = await urlOf(world, PICTURE);
  await bytesOf(url);
  world.twilio.media.remove(kept);
  await request(url);
  const reference = url.slice(url.lastIndexOf("/") + 1);
  const secrets = [reference.slice(-40), kept.slice(kept.lastIndexOf("/") + 1)];
  await world.patchbay.logged("media.not_read");
  const lines = world.patchbay.log.items.map((line) => JSON.stringify(line));
  assert.deepEqual(lines.filter((line) => secrets.some((each) => line.includes(each))), []);
});
