import { escapeControls } from "../support/log.ts";
import { isVariable, type Readings, type Variable, type VariableTree } from "./variable.ts";
import { TABLE } from "./variables.ts";

/** The text of a variable; undefined where it is unset or empty. */
export type TextOf = (name: string) => string | undefined;

/** The values of the whole table, group by group. */
export type TableReadings = {
  readonly [Group in keyof typeof TABLE]: Readings<(typeof TABLE)[Group]["variables"]>;
};

/** Reads every variable of the table. Each `undefined` among the values has its line among the faults. */
export function readTable(
  textOf: TextOf,
): { readonly readings: TableReadings; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const readings = Object.fromEntries(
    Object.entries(TABLE).map(([group, { variables }]) => [
      group,
      readTree<VariableTree>(variables, textOf, faults),
    ]),
  );
  return { readings: readings as TableReadings, faults };
}

function readTree<Tree extends VariableTree>(
  tree: Tree,
  textOf: TextOf,
  faults: string[],
): Readings<Tree> {
  const members = Object.entries(tree).map(([member, node]) => [
    member,
    isVariable(node) ? readVariable(node, textOf, faults) : readTree(node, textOf, faults),
  ]);
  return Object.fromEntries(members);
}

function readVariable(variable: Variable, textOf: TextOf, faults: string[]): unknown {
  const { name, parser, defaultText, required } = variable;
  const text = textOf(name) ?? defaultText;
  if (text === undefined) {
    if (!required) return null;
    faults.push(`Cannot start without ${name}: expected ${parser.expected}`);
    return undefined;
  }
  const value = parser.parse(text);
  if (value === undefined) {
    faults.push(`Cannot use ${name}=${shownValue(variable, text)}: expected ${parser.expected}`);
  }
  return value;
}

const LONGEST_SHOWN = 200;

/** A value as a fault shows it: one line, not endless, and never a secret. */
function shownValue({ secret }: Variable, untrustedText: string): string {
  if (secret) return "(hidden)";
  // Whatever stands before an "@" may be a password, also where the text is no URL after all.
  const text = escapeControls(untrustedText.replace(/^.*@/s, "(hidden)@"));
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
