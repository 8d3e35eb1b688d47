-- Schema 3. Seats are counted, and several agents may be claiming one session. A program of schema 2 that is just about to
-- be replaced does not fail: what it writes and reads is still there.

-- The ends of all open seats, as a JSON array; NULL: a program of schema 2 wrote seat_until alone.
ALTER TABLE sessions ADD COLUMN seats_json TEXT;

ALTER TABLE claims RENAME TO claims_of_schema_2;
CREATE TABLE claims (
  session_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  token TEXT NOT NULL,
  until INTEGER NOT NULL,
  state TEXT,
  -- From when on nobody waits for the Accept's answer; NULL: not before until.
  doubt_from INTEGER,
  -- By its end, the seat that it means to take; NULL: the session was free.
  seat_until INTEGER,
  PRIMARY KEY (session_id, agent_id)
) WITHOUT ROWID;
INSERT INTO claims (session_id, agent_id, token, until, state)
  SELECT session_id, agent_id, token, until, state FROM claims_of_schema_2;
DROP TABLE claims_of_schema_2;
