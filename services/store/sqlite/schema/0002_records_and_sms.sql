-- Schema 2. Records, how far a text got, and the way from a customer's number to the session. It only adds: a program of
-- schema 1 that is just about to be replaced does not fail.

-- Small texts under names. near: the session that a record belongs to, '' for none. A row past until does not count;
-- NULL: it stays until it is removed.
CREATE TABLE records (
  kind TEXT NOT NULL,
  near TEXT NOT NULL,
  key TEXT NOT NULL,
  text TEXT NOT NULL,
  until INTEGER,
  PRIMARY KEY (kind, near, key)
) WITHOUT ROWID;
CREATE INDEX records_by_expiry ON records (until) WHERE until IS NOT NULL;

ALTER TABLE deliveries ADD COLUMN progress_json TEXT;

-- When texts of mappings that were released lately were their agents' to send; NULL: none was.
ALTER TABLE session_memory ADD COLUMN late_json TEXT;

-- What upstream said of the session's state while the Accept was under way; NULL: nothing.
ALTER TABLE claims ADD COLUMN state TEXT;

-- Digits alone, as a customer's session is asked for; empty or NULL: none.
ALTER TABLE session_memory ADD COLUMN phone_digits TEXT;
ALTER TABLE session_memory ADD COLUMN sender_digits TEXT;
UPDATE session_memory SET
  phone_digits = (
    WITH RECURSIVE walk (rest, digits) AS (
      SELECT phone, ''
      UNION ALL
      SELECT substr(rest, 2), digits || CASE WHEN rest GLOB '[0-9]*' THEN substr(rest, 1, 1) ELSE '' END
      FROM walk WHERE rest <> '')
    SELECT digits FROM walk WHERE rest = ''),
  sender_digits = (
    WITH RECURSIVE walk (rest, digits) AS (
      SELECT sender, ''
      UNION ALL
      SELECT substr(rest, 2), digits || CASE WHEN rest GLOB '[0-9]*' THEN substr(rest, 1, 1) ELSE '' END
      FROM walk WHERE rest <> '')
    SELECT digits FROM walk WHERE rest = '')
WHERE phone IS NOT NULL;
CREATE INDEX session_memory_by_customer ON session_memory (phone_digits)
  WHERE phone_digits IS NOT NULL;
