import { type VariableName, VARIABLES } from "./variables.ts";

/**
 * One line for each variable that is set, unknown, and a few edits away from a known one that is not set.
 * So `JWT_ISSUERS` is noticed, and somebody else's variables are not.
 */
export function findTypos(
  setNames: Iterable<string>,
  isSet: (name: VariableName) => boolean,
): string[] {
  const known = new Set<string>(VARIABLES.map(({ name }) => name));
  return [...setNames].filter((name) => !known.has(name)).flatMap((name) => {
    const meant = VARIABLES.find((candidate) =>
      isNear(name, candidate.name) && !isSet(candidate.name)
    );
    return meant === undefined ? [] : [`Ignored ${name}: did you mean ${meant.name}?`];
  });
}

function isNear(name: string, candidate: string): boolean {
  const forgiven = editsForgiven(candidate);
  // The lengths tell most pairs apart, and a start should not pay for comparing every letter of an environment.
  return Math.abs(name.length - candidate.length) <= forgiven &&
    editDistance(name, candidate) <= forgiven;
}

/** None for a short name, because half the environment lies within two edits of it, as HOME does of HOST. */
function editsForgiven({ length }: string): number {
  return length < 8 ? 0 : length < 15 ? 2 : 3;
}

/** Levenshtein distance: how many letters have to be added, removed or replaced. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const substitution = from[row - 1] === to[column - 1] ? 0 : 1;
      current.push(Math.min(
        (previous[column] ?? Infinity) + 1,
        (current[column - 1] ?? Infinity) + 1,
        (previous[column - 1] ?? Infinity) + substitution,
      ));
    }
    previous = current;
  }
  return previous[to.length] ?? Infinity;
}
