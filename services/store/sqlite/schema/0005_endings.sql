-- Schema 5. What tells whether a terminal state is about the mapping that there is. It only adds.

-- Until then such a state may be that of an agent who has left or declined.
ALTER TABLE sessions ADD COLUMN stray_until INTEGER NOT NULL DEFAULT 0;
-- Until then such a state may be that of an earlier mapping.
ALTER TABLE session_memory ADD COLUMN ending_owed_until INTEGER NOT NULL DEFAULT 0;
-- When the claim was made; 0: before schema 5.
ALTER TABLE claims ADD COLUMN claimed_at INTEGER NOT NULL DEFAULT 0;
