import type { World } from "./world.ts";

/** One sentence of a story, and what makes it true or false. Sentences rely on nothing that another has left behind. */
export interface Sentence {
  readonly says: string;
  readonly run: (world: World) => Promise<void>;
}

/** A sentence. */
export function it(says: string, run: (world: World) => Promise<void>): Sentence {
  return { says, run };
}
