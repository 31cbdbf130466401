-- Sending an endpoint again what it has missed: work that is done batch by batch.
CREATE TABLE redelivery (
    id BLOB NOT NULL PRIMARY KEY,
    endpoint BLOB NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    -- A JSON array of the states that are sent again.
    states TEXT NOT NULL,
    -- Notifications before this one are done,
    position BLOB NOT NULL,
    -- and those from this one on were accepted after it was asked for.
    until BLOB NOT NULL,
    matched INTEGER NOT NULL,
    replayed INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    -- Why it stopped before its end.
    reason TEXT
) STRICT, WITHOUT ROWID;

-- One at a time for each endpoint.
CREATE UNIQUE INDEX redelivery_running ON redelivery (endpoint) WHERE ended_at IS NULL;
CREATE INDEX redelivery_endpoint ON redelivery (endpoint);
CREATE INDEX redelivery_ended ON redelivery (ended_at) WHERE ended_at IS NOT NULL;

-- The dead letters of an endpoint, however few among how many.
CREATE INDEX delivery_dead ON delivery (endpoint, notification)
    WHERE state IN ('abandoned', 'expired');

-- The attempts at an endpoint in the order in which they ended.
CREATE INDEX attempt_ended ON attempt (endpoint, (started_at + duration_ms));
