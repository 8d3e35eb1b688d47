/** Long texts by which a parser could be made to work: each `size` characters long, or little more. */

/** The text repeated up to that length. */
export function filled(unit: string, size: number): string {
  return unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
}

/** `head`, the unit repeated, `tail`; about `size` characters. */
export function between(head: string, unit: string, tail: string, size: number): string {
  return head +
    unit.repeat(Math.max(0, Math.floor((size - head.length - tail.length) / unit.length))) +
    tail;
}

/** A list of parts, `size` characters in all; `part` says what the one with that number is. */
export function listed(
  part: (at: number) => string,
  { size, open = "", close = "", between = "," }: {
    readonly size: number;
    readonly open?: string;
    readonly close?: string;
    readonly between?: string;
  },
): string {
  const parts: string[] = [];
  for (let at = 0, length = 0; length < size; at++) {
    const text = part(at);
    parts.push(text);
    length += text.length + between.length;
  }
  return open + parts.join(between) + close;
}

/**
 * Names of ten digits that V8 hashes to one place of every table of up to 2 to the 17th places: it hashes such a name by 24 bits
 * of the number that it spells. There are 25,000 of them.
 */
export function collidingName(at: number): string {
  const high = 64 + Math.floor(at / 128) % 190;
  return String(high * 2 ** 24 + (at % 128) * 2 ** 17);
}
