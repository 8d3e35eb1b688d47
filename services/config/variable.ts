import type { Parser } from "./parsers.ts";

/** All that there is to say of one environment variable. */
export interface Variable<T = unknown> {
  readonly name: string;
  readonly parser: Parser<T>;
  /** One line, no full stop. */
  readonly meaning: string;
  /** What is used when it is unset, written as in the environment. */
  readonly defaultText?: string;
  /** Nothing starts without it. What is required only sometimes is a rule, and the meaning says so. */
  readonly required?: true;
  /** Its value is never shown, not even a wrong one. */
  readonly secret?: true;
}

/** Variables under the names that their values have in the program; what belongs closer together is one level deeper. */
export interface VariableTree {
  readonly [member: string]: Variable | VariableTree;
}

/** The variables below one heading of the documentation. */
export interface VariableGroup {
  readonly title: string;
  readonly variables: VariableTree;
}

/** The names of all variables in a tree. */
export type NamesIn<Tree> = Tree extends Variable ? Tree["name"]
  : Tree extends VariableTree ? { [Member in keyof Tree]: NamesIn<Tree[Member]> }[keyof Tree]
  : never;

/**
 * What reading a tree of variables gives: the same tree with values in the variables' places. `null` stands for a
 * variable that is unset and has no default, `undefined` for a fault that was written down.
 */
export type Readings<Tree> = Tree extends Variable<infer T> ? Reading<Tree, T>
  : { readonly [Member in keyof Tree]: Readings<Tree[Member]> };

type Reading<V, T> = V extends { readonly defaultText: string } | { readonly required: true }
  ? T | undefined
  : T | null | undefined;

/** Whether a node of the table is a variable; otherwise it is a tree of them. */
export function isVariable(node: Variable | VariableTree): node is Variable {
  return typeof node.name === "string";
}

/** The variables of a tree, from the top down. */
export function variablesIn(tree: VariableTree): Variable[] {
  return Object.values(tree).flatMap((node) => isVariable(node) ? [node] : variablesIn(node));
}
