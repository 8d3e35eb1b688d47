import assert from "node:assert/strict";
import { assertProblem } from "./problem.ts";
import { it, type Sentence } from "./sentence.ts";
import { neverAnswers } from "../support/never_answers.ts";
import { statusZero } from "../support/scripted_upstream.ts";

/** What becomes of a contact centre that does not answer as it should; the deadline of a call has to be short. */
export const UPSTREAM_ERRORS: readonly Sentence[] = [
  it("a contact centre that is too slow is 504, and the session stays reserved for that agent", async (world) => {
    const session = world.freshSession();
    const [one, two] = [await world.agent("agent-1"), await world.agent("agent-2")];
    world.upstream.answer(session, neverAnswers);
    assertProblem(await one.accept(session), "upstream-timeout");
    assertProblem(await two.accept(session), "session-held");
    assert.equal(world.upstream.about(session).length, 1);
    world.upstream.answer(session, statusZero);
    assert.equal((await one.accept(session)).status, 200);
    assert.equal(world.upstream.about(session).length, 2);
  }),

  it("a contact centre that begins to answer and does not end is 504 as well", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    await agent.accept(session);
    world.upstream.answer(
      session,
      () =>
        new Response(bodyOf((body) => body.enqueue(new TextEncoder().encode(`{"statusCode":`)))),
    );
    assertProblem(await agent.operate(session, "SendMessage", { text: "Hi" }), "upstream-timeout");
  }),

  it("a contact centre that breaks off is 502, and the same agent may try again", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    world.upstream.answer(session, () =>
      new Response(
        bodyOf((body) => {
          body.enqueue(new TextEncoder().encode(`{"statusCode":`));
          body.close();
        }),
        { headers: { "content-length": "16" } },
      ));
    assertProblem(await agent.accept(session), "upstream-unavailable");
    world.upstream.answer(session, statusZero);
    assert.equal((await agent.accept(session)).status, 200);
  }),

  ...[200, 503].map((status) =>
    it(`a page of HTML with ${status} goes back as it is, and the session stays free`, async (world) => {
      const session = world.freshSession();
      const [one, two] = [await world.agent("agent-1"), await world.agent("agent-2")];
      const page = "<html><body>Service Unavailable</body></html>\n";
      const headers = { "content-type": "text/html; charset=utf-8" };
      world.upstream.answer(session, () => new Response(page, { status, headers }));
      const answer = await one.accept(session);
      assert.equal(answer.status, status);
      assert.equal(answer.text, page);
      assert.equal(answer.headers.get("content-type"), headers["content-type"]);
      assert.equal((await one.get(`/v1/sessions/${session}`)).status, 404);
      world.upstream.answer(session, statusZero);
      assert.equal((await two.accept(session)).status, 200);
    })
  ),

  it("a redirection is not followed, and does not tell where it leads", async (world) => {
    const session = world.freshSession();
    const agent = await world.agent("agent-1");
    const location = `${world.upstream.url.origin}/login`;
    world.upstream.answer(
      session,
      () => new Response(null, { status: 302, headers: { location } }),
    );
    const answer = await agent.accept(session);
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get("location"), null);
    assert.ok(world.upstream.requests.items.every(({ target }) => target !== "/login"));
    assert.equal((await agent.get(`/v1/sessions/${session}`)).status, 404);
  }),
];

function bodyOf(
  write: (body: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: write });
}
