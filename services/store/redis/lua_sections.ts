/**
 * Where a section of Lua begins: `--== name`, and behind `uses` the sections whose functions it calls. What stands before
 * the first one is the file's own heading.
 */
const HEADER = /^--== (\w+)(?: uses (\w+(?: \w+)*))?\n/m;

/** A piece of Lua under a name. */
interface Section {
  readonly uses: readonly string[];
  readonly text: string;
}

/** The sections of all files of Lua. */
export interface LuaSections {
  /** The text to send for a script: every section that it uses, directly or not, once and before those that use it. */
  scriptText(name: string): string;
}

/** Reads the sections; throws an `Error` when two have one name. */
export function readSections(luaTexts: readonly string[]): LuaSections {
  const sections = new Map<string, Section>();
  for (const luaText of luaTexts) {
    const [_heading, ...parts] = luaText.split(HEADER);
    // A split by an expression with groups gives the groups too: name, uses, text, name, uses, text …
    for (let at = 0; at < parts.length; at += 3) {
      const [name = "", uses = "", text = ""] = parts.slice(at, at + 3);
      if (sections.has(name)) throw new Error(`Cannot name two sections of Lua ${name}`);
      sections.set(name, { uses: uses === "" ? [] : uses.split(" "), text: `${text.trim()}\n` });
    }
  }

  function collect(name: string, collected: Map<string, string>): Map<string, string> {
    const section = sections.get(name);
    if (section === undefined) throw new Error(`Cannot find the section of Lua ${name}`);
    for (const used of section.uses) {
      if (!collected.has(used)) collect(used, collected);
    }
    return collected.set(name, section.text);
  }

  return { scriptText: (name) => [...collect(name, new Map()).values()].join("") };
}
