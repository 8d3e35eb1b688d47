/** What `/v1/deliveries` shows of texts. */
import assert from "node:assert/strict";
import * as v from "valibot";
import { readDelivery } from "./shapes.ts";
import type { World } from "./world.ts";

const TextShape = v.looseObject({
  id: v.string(),
  status: v.string(),
  sessionId: v.nullable(v.string()),
  messageIndex: v.nullable(v.number()),
  outcome: v.optional(v.nullable(v.string())),
  errorCode: v.optional(v.nullable(v.number())),
});
const TextListShape = v.looseObject({ data: v.array(TextShape) });

export type Text = v.InferOutput<typeof TextShape>;

const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 50;

/** The session's texts that pass `wanted`, as soon as there are so many. */
export async function deliveriesOf(
  world: World,
  session: string,
  wanted: (text: Text) => boolean,
  howMany = 1,
): Promise<readonly Text[]> {
  const startedMs = performance.now();
  for (;;) {
    const texts = await textsOf(world, session);
    const found = texts.filter(wanted);
    if (found.length >= howMany) return found;
    assert.ok(
      performance.now() - startedMs < PATIENCE_MS,
      `not as they are to be: ${JSON.stringify(texts)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** The session's texts, by the index of their messages; `query` narrows the list further. */
export async function textsOf(
  world: World,
  session: string,
  query = "",
): Promise<readonly Text[]> {
  const answer = await world.admin.get(`/v1/deliveries?webhook=sms&limit=100${query}`);
  assert.equal(answer.status, 200, answer.text);
  return v.parse(TextListShape, answer.json()).data
    .filter(({ sessionId }) => sessionId === session)
    .toSorted((a, b) => (a.messageIndex ?? 0) - (b.messageIndex ?? 0));
}

/** A delivery with its attempts. */
export async function historyOf(world: World, id: string) {
  return v.parse(
    v.looseObject({
      attempts: v.array(v.looseObject({ class: v.string(), detail: v.optional(v.string()) })),
    }),
    readDelivery((await world.admin.get(`/v1/deliveries/${id}`)).json()),
  );
}
