import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../middleware/app_env.ts";
import { headLength, untoldLength } from "../../middleware/head_answers.ts";
import { exchangeRaw } from "../support/raw_http.ts";

/** The routes of a small app, and what HEAD tells of the length of each. */
const LENGTHS: Readonly<Record<string, string | undefined>> = {
  "/json": "11",
  "/text": "5",
  "/told": "7",
  "/empty": "0",
  "/left-out": undefined,
  "/stream": "5",
  "/endless": undefined,
  "/nothing": undefined,
  "/problem": "4",
};

function openApp() {
  let isCancelled = false;
  const endless = () =>
    new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) }, {
      highWaterMark: 0,
    });
  const app = new Hono<AppEnv>();
  app.use(headLength());
  app.get("/json", (c) => c.json({ "über": 1 }))
    .get("/text", (c) => c.text("hello"))
    .get("/told", () => new Response("1234567", { headers: { "content-length": "7" } }))
    .get("/empty", (c) => c.body(""))
    .get("/left-out", () => new Response(null))
    .get("/stream", () => new Response(new Blob(["hello"]).stream()))
    .get("/endless", (c) => c.body(endless(), 200, { "content-type": "text/event-stream" }))
    .get("/nothing", (c) => c.body(null, 204))
    .get("/problem", () => new Response("oops", { status: 404 }));
  return { app, isCancelled: () => isCancelled };
}

for (const [path, length] of Object.entries(LENGTHS)) {
  Deno.test(`HEAD ${path} tells over the wire that GET has ${length ?? "no known"} bytes`, async () => {
    const { app, isCancelled } = openApp();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      untoldLength(app.fetch),
    );
    const { answers, rest } = await exchangeRaw(
      `http://127.0.0.1:${server.addr.port}`,
      `HEAD ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      ["HEAD"],
    );
    assert.equal(answers.length, 1);
    assert.equal(answers[0]?.headers.get("content-length"), length);
    assert.equal(rest, "", "HEAD has no body");
    assert.equal(isCancelled(), path === "/endless");
  });
}

Deno.test("headLength() leaves GET alone", async () => {
  const { app } = openApp();
  const answer = await app.request("/json");
  assert.equal(answer.headers.get("content-length"), null);
  assert.equal((await answer.text()).length, 10);
});
