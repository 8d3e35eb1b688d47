/** ` AND column = ?` for each column that has a value. The columns are the caller's own words, never anybody's input. */
export function conditions(columns: Record<string, string | undefined>): [string, string[]] {
  const given = Object.entries(columns).filter((entry): entry is [string, string] =>
    entry[1] !== undefined
  );
  return [
    given.map(([column]) => ` AND ${column} = ?`).join(""),
    given.map(([, value]) => value),
  ];
}
