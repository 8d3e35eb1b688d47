-- Schema 1. Times are Unix milliseconds; *_json are texts that SQLite never looks into.

-- Who holds what. A row past expires_at does not count.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL,
  agents_json TEXT NOT NULL,
  state TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  accepted_upstream INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  seat_until INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_agent ON sessions (agent_id, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Accepts under way.
CREATE TABLE claims (
  session_id TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL,
  token TEXT NOT NULL,
  until INTEGER NOT NULL
) WITHOUT ROWID;

-- What outlives the mapping: numbering, duplicates, the customer.
CREATE TABLE session_memory (
  id TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL DEFAULT 0,
  state_hash TEXT,
  state_hash_at INTEGER NOT NULL DEFAULT 0,
  phone TEXT,
  sender TEXT,
  phone_given INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_memory_by_expiry ON session_memory (expires_at);

CREATE TABLE seen_messages (
  session_id TEXT NOT NULL,
  message_index INTEGER NOT NULL,
  PRIMARY KEY (session_id, message_index)
) WITHOUT ROWID;

CREATE TABLE events (
  id TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  session_id TEXT,
  sequence INTEGER,
  agent_id TEXT,
  occurred_at INTEGER NOT NULL,
  data_json TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_by_session ON events (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX events_by_type ON events (type, id);

CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  event_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  sink_id TEXT NOT NULL,
  session_id TEXT,
  message_index INTEGER,
  lane TEXT NOT NULL,
  position INTEGER NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  ladder_start INTEGER NOT NULL DEFAULT 0,
  lease_token TEXT,
  expunged INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  next_attempt_at INTEGER
) WITHOUT ROWID;
CREATE INDEX deliveries_open ON deliveries (lane, position)
  WHERE status IN ('pending', 'delivering', 'retrying', 'held');
CREATE INDEX deliveries_by_status ON deliveries (status, id);
CREATE INDEX deliveries_by_sink ON deliveries (sink_id, status, id);

-- A lane stands here while it has an open delivery; due_at is the head's due time, or its lease's end.
CREATE TABLE lanes (
  lane TEXT PRIMARY KEY,
  sink_id TEXT NOT NULL,
  due_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX lanes_due ON lanes (sink_id, due_at);

CREATE TABLE attempts (
  delivery_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  attempt_json TEXT NOT NULL,
  PRIMARY KEY (delivery_id, attempt)
) WITHOUT ROWID;

-- Failures since the last success of a sink.
CREATE TABLE sink_health (
  sink_id TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  since INTEGER NOT NULL
) WITHOUT ROWID;

-- Token buckets of sinks with a rate.
CREATE TABLE buckets (
  sink_id TEXT PRIMARY KEY,
  tokens REAL NOT NULL,
  filled_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  webhook_json TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('webhooks_version', 1);
