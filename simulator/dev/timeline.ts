/** Prints what happens, in columns: when, who to whom, what. */
export interface Timeline {
  heading(text: string): void;
  /** `detail` lines follow, indented. */
  entry(route: string, what: string, ...detail: string[]): void;
  /** A line of its own, as it is. */
  text(line: string): void;
}

const ROUTE_WIDTH = 30;

/** A timeline that starts now. */
export function createTimeline(
  { now, write }: { readonly now: () => number; readonly write: (line: string) => void },
): Timeline {
  const startedAtMs = now();
  const indent = " ".repeat(9);
  return {
    heading(text) {
      write("");
      write(text);
      write("");
    },
    entry(route, what, ...detail) {
      const at = ((now() - startedAtMs) / 1000).toFixed(3).padStart(7);
      write(`${at}  ${route.padEnd(ROUTE_WIDTH)} ${what}`);
      for (const line of detail) write(`${indent}${" ".repeat(ROUTE_WIDTH)} ${line}`);
    },
    text: write,
  };
}
