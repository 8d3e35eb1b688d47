/** Patchbay as `main.ts` starts it, on a clock that is {@link HURRY} times as fast: half a minute takes it six seconds. */
import { startPatchbay } from "../../main.ts";
import { runProgram } from "../../program.ts";
import { createHurriedClock } from "./hurried_clock.ts";

/** From the root of the repository. */
export const HURRIED_MAIN = "tests/support/hurried_main.ts";

/** More, and what its contract gives a second for would come too late on a busy machine. */
export const HURRY = 5;

if (import.meta.main) {
  await runProgram((config, environment) =>
    startPatchbay(config, { ...environment, clock: createHurriedClock(HURRY) })
  );
}
