/** What `--help`, the log and the user agent of webhooks say. */
export const VERSION = "0.1.0";
