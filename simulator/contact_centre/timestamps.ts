/** How notifications and messages print the time. */
export interface TimestampStyle {
  /** `space` as in `2014-01-09 11:58:12.035+0200` (most documented samples), `t` with a T instead (the Accept sample). */
  readonly separator: "space" | "t";
  /** Minutes east of UTC. */
  readonly offsetMinutes: number;
  /** How far the clock of messages is behind the one that dates answers; 0 unless told otherwise. */
  readonly behindMs?: number;
}

/** `yyyy-MM-dd HH:mm:ss.SSSZ` with an offset without a colon, as upstream prints it. */
export function formatTimestamp(
  atMs: number,
  { separator, offsetMinutes }: TimestampStyle,
): string {
  const local = new Date(atMs + offsetMinutes * 60_000).toISOString().slice(0, -1);
  const sign = offsetMinutes < 0 ? "-" : "+";
  const hours = String(Math.floor(Math.abs(offsetMinutes) / 60)).padStart(2, "0");
  const minutes = String(Math.abs(offsetMinutes) % 60).padStart(2, "0");
  return `${separator === "space" ? local.replace("T", " ") : local}${sign}${hours}${minutes}`;
}
