-- Schema 6. What tells a session's history from what is new in it. It only adds.

-- The highest index that the session had told of when it was mapped.
ALTER TABLE sessions ADD COLUMN told_up_to INTEGER NOT NULL DEFAULT 0;
-- The index of the holder's own joining, once it was told.
ALTER TABLE sessions ADD COLUMN joined_at INTEGER;
UPDATE sessions SET told_up_to =
  COALESCE((SELECT MAX(message_index) FROM seen_messages WHERE session_id = sessions.id), 0);
