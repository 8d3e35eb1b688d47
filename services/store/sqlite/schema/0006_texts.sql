-- Schema 6. What tells a session's history from what is new in it, and texts by what became of them. It only adds.

-- The highest index that the session had told of when it was mapped.
ALTER TABLE sessions ADD COLUMN told_up_to INTEGER NOT NULL DEFAULT 0;
-- The index of the holder's own joining, once it was told.
ALTER TABLE sessions ADD COLUMN joined_at INTEGER;
UPDATE sessions SET told_up_to =
  COALESCE((SELECT MAX(message_index) FROM seen_messages WHERE session_id = sessions.id), 0);

CREATE INDEX texts_sent ON deliveries (id)
  WHERE sink_id = 'sms' AND status = 'delivered' AND COALESCE(outcome, 'sent') = 'sent';
CREATE INDEX texts_delivered ON deliveries (id) WHERE outcome = 'delivered';
