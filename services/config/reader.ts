import { escapeControls } from "../support/log.ts";
import type { Parser } from "./parsers.ts";
import { type VariableName, VARIABLES } from "./variables.ts";

/**
 * Reads variables one by one and writes down every fault, so that all of them can be told at once.
 * An empty variable counts as unset. `undefined` always means that a fault was written down.
 */
export interface Reader {
  isSet(name: VariableName): boolean;
  /** The value, else the default of the table; without either it is a fault. */
  required<T>(name: VariableName, parser: Parser<T>): T | undefined;
  /** The value, or null when it is unset. */
  optional<T>(name: VariableName, parser: Parser<T>): T | null | undefined;
  /** Writes down a fault that no single variable has. */
  fault(line: string): void;
  readonly faults: readonly string[];
}

/** A reader over a way to look variables up. */
export function createReader(lookUp: (name: VariableName) => string | undefined): Reader {
  const faults: string[] = [];
  const textOf = (name: VariableName) => lookUp(name) || undefined;

  function parse<T>(name: VariableName, text: string, parser: Parser<T>): T | undefined {
    const value = parser.parse(text);
    if (value === undefined) {
      faults.push(`Cannot use ${name}=${shownValue(name, text)}: expected ${parser.expected}`);
    }
    return value;
  }

  return {
    faults,
    fault: (line) => void faults.push(line),
    isSet: (name) => textOf(name) !== undefined,
    required(name, parser) {
      const text = textOf(name) ?? variable(name)?.defaultText;
      if (text === undefined) {
        faults.push(`Cannot start without ${name}: expected ${parser.expected}`);
        return undefined;
      }
      return parse(name, text, parser);
    },
    optional(name, parser) {
      const text = textOf(name);
      return text === undefined ? null : parse(name, text, parser);
    },
  };
}

/**
 * The parts as a whole, once none of them is undefined.
 * @example complete<{ a: number }>({ a: undefined }) // undefined
 */
export function complete<T extends object>(parts: Unchecked<T>): T | undefined {
  return isComplete(parts) ? parts : undefined;
}

type Unchecked<T> = { readonly [K in keyof T]: T[K] | undefined };

function isComplete<T extends object>(parts: Unchecked<T>): parts is Unchecked<T> & T {
  return Object.values(parts).every((part) => part !== undefined);
}

const LONGEST_SHOWN = 200;

/** A value as a fault shows it: one line, not endless, and never a secret. */
function shownValue(name: VariableName, untrustedText: string): string {
  if (variable(name)?.secret) return "(hidden)";
  // Whatever stands before an "@" may be a password, also where the text is no URL after all.
  const text = escapeControls(untrustedText.replace(/^.*@/s, "(hidden)@"));
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

function variable(name: VariableName) {
  return VARIABLES.find((each) => each.name === name);
}
