-- Schema 7. Tokens that were revoked. It only adds.

-- position: the place in the list; a number that was used never comes again, so that readers can go by it. token: stands
-- for a token. until: when it may be forgotten.
CREATE TABLE revoked_tokens (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  token TEXT NOT NULL UNIQUE,
  until INTEGER NOT NULL
);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (until);
