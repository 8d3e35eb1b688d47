/** How requests to the simulated contact centre are broken on purpose, and whether they still have their effect. */
import assert from "node:assert/strict";
import type { Fault } from "../../../simulator/kit/faults.ts";
import { ACCEPT, operate, request, send, startWatched, SUCCESS } from "./client.ts";

const ME = "/api/v2/me";

Deno.test("hang gives no answer, has no effect, and tells when the client gave up", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  const { reached, clientAborted } = centre.faults.next("hang");
  const giveUp = new AbortController();
  const path = `/api/v2/me/smssessions/${id}`;
  const answer = send(centre, "POST", path, { body: ACCEPT, signal: giveUp.signal });
  assert.equal((await reached).path, path);
  giveUp.abort();
  await assert.rejects(answer, { name: "AbortError" });
  await clientAborted;
  assert.deepEqual(centre.sessions[0]?.agents, []);
  assert.deepEqual(await operate(centre, id, ACCEPT), SUCCESS);
});

Deno.test("hang after acting still notifies, as the contact centre did what was asked", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  const { reached, clientAborted } = centre.faults.next("hang", { when: "after-acting" });
  const giveUp = new AbortController();
  const answer = send(centre, "POST", `/api/v2/me/smssessions/${id}`, {
    body: ACCEPT,
    signal: giveUp.signal,
  });
  await reached;
  assert.equal(centre.sessions[0]?.agents[0]?.state, "Chatting");
  await centre.idle();
  assert.equal(told.length, 3);
  giveUp.abort();
  await assert.rejects(answer, { name: "AbortError" });
  await clientAborted;
});

Deno.test("a hang ends when the contact centre closes", async () => {
  const { centre } = await startWatched();
  const { reached } = centre.faults.next("hang");
  const answer = send(centre, "GET", ME);
  await reached;
  await Promise.all([centre.close(), assert.rejects(answer)]);
});

Deno.test("delay holds the answer back on the contact centre's clock", async () => {
  await using watched = await startWatched();
  const { centre, clock } = watched;
  centre.faults.next({ kind: "delay", ms: 10_000 });
  const answer = request(centre, "GET", ME);
  await clock.whenArmed();
  assert.equal(clock.nextDueInMs(), 10_000);
  clock.advance(10_000);
  assert.equal((await answer).body.statusCode, 0);
});

Deno.test("a delay leaves no timer behind when the client gives up", async () => {
  await using watched = await startWatched();
  const { centre, clock } = watched;
  const { clientAborted } = centre.faults.next({ kind: "delay", ms: 10_000 });
  const giveUp = new AbortController();
  const answer = send(centre, "GET", ME, { signal: giveUp.signal });
  await clock.whenArmed();
  giveUp.abort();
  await assert.rejects(answer);
  await clientAborted;
  assert.equal(clock.pending(), 0);
});

interface Replacement {
  readonly fault: Fault;
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string | RegExp;
}

const REPLACEMENTS: readonly Replacement[] = [
  {
    fault: { kind: "status", status: 503, body: "busy", contentType: "text/plain" },
    status: 503,
    contentType: "text/plain",
    body: "busy",
  },
  {
    fault: { kind: "status", status: 500, body: { statusCode: 4, statusMessage: "Oops" } },
    status: 500,
    contentType: "application/json",
    body: '{"statusCode":4,"statusMessage":"Oops"}',
  },
  { fault: "html", status: 502, contentType: "text/html;charset=UTF-8", body: /^<!doctype html>/ },
  {
    fault: { kind: "html", status: 200 },
    status: 200,
    contentType: "text/html;charset=UTF-8",
    body: /^<!doctype html>/,
  },
];

for (const { fault, status, contentType, body } of REPLACEMENTS) {
  Deno.test(`${JSON.stringify(fault)} stands in for the real answer`, async () => {
    await using watched = await startWatched();
    const { centre } = watched;
    centre.faults.next(fault);
    const response = await send(centre, "GET", ME);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("content-type"), contentType);
    const text = await response.text();
    if (typeof body === "string") assert.equal(text, body);
    else assert.match(text, body);
    assert.equal((await request(centre, "GET", ME)).body.statusCode, 0);
  });
}

Deno.test("redirect sends the client elsewhere", async () => {
  await using watched = await startWatched();
  const { centre } = watched;
  centre.faults.next({ kind: "redirect", location: "http://internal.example/" });
  const response = await send(centre, "GET", ME);
  await response.body?.cancel();
  assert.equal(response.status, 302);
  assert.equal(response.headers.get("location"), "http://internal.example/");
});

Deno.test("gzip compresses the real answer", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  centre.faults.next("gzip");
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(centre.url).port),
  });
  const head = `GET /api/v2/me/smssessions/${id} HTTP/1.1\r\nHost: x\r\n` +
    `Authorization: Basic ${btoa("agent-1:")}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const raw = new Uint8Array(await new Response(connection.readable).arrayBuffer());
  assert.match(new TextDecoder().decode(raw), /content-encoding: gzip/i);
  const magicNumber = raw.some((byte, i) => byte === 0x1f && raw[i + 1] === 0x8b);
  assert.ok(magicNumber, "the body is gzip");
});

Deno.test("a compressed answer says the same as the plain one", async () => {
  await using watched = await startWatched();
  const { centre } = watched;
  centre.faults.next("gzip");
  assert.deepEqual(
    await request(centre, "GET", ME),
    await request(centre, "GET", ME),
  );
});

Deno.test("reset breaks the connection and has no effect", async () => {
  await using watched = await startWatched();
  const { centre, id } = watched;
  const { clientAborted } = centre.faults.next("reset");
  await assert.rejects(send(centre, "POST", `/api/v2/me/smssessions/${id}`, { body: ACCEPT }));
  await clientAborted;
  assert.deepEqual(centre.sessions[0]?.agents, []);
});

Deno.test("cut breaks off in the middle of the real answer", async () => {
  await using watched = await startWatched();
  const { centre, id, told } = watched;
  centre.faults.next("cut");
  const response = await send(centre, "POST", `/api/v2/me/smssessions/${id}`, { body: ACCEPT });
  assert.equal(response.headers.get("content-length"), "16");
  await assert.rejects(response.text());
  await centre.idle();
  assert.equal(told.length, 3);
});

Deno.test("stall falls silent in the middle of the real answer", async () => {
  await using watched = await startWatched();
  const { centre } = watched;
  const { clientAborted } = centre.faults.next("stall");
  const giveUp = new AbortController();
  const response = await send(centre, "GET", ME, { signal: giveUp.signal });
  const reader = response.body?.getReader();
  assert.ok(((await reader?.read())?.value?.length ?? 0) > 0);
  const rest = reader?.read();
  giveUp.abort();
  await assert.rejects(async () => await rest);
  await clientAborted;
});

Deno.test("a fault waits for a request that matches it, and is used once", async () => {
  await using watched = await startWatched();
  const { centre } = watched;
  centre.faults.next({ kind: "status", status: 500 }, {
    matching: ({ path }) => path.endsWith("/smssessions"),
  });
  assert.equal((await request(centre, "GET", ME)).status, 200);
  const failed = await send(centre, "GET", `${ME}/smssessions`);
  await failed.body?.cancel();
  assert.equal(failed.status, 500);
  assert.equal((await request(centre, "GET", `${ME}/smssessions`)).status, 200);
});

Deno.test("cleared faults do not happen", async () => {
  await using watched = await startWatched();
  const { centre } = watched;
  centre.faults.next("reset");
  centre.faults.clear();
  assert.equal((await request(centre, "GET", ME)).status, 200);
});
