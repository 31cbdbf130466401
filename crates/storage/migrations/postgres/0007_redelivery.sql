-- Sending an endpoint again what it has missed: work that is done batch by batch.
CREATE TABLE redelivery (
    id BYTEA NOT NULL PRIMARY KEY,
    endpoint BYTEA NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    since BIGINT NOT NULL,
    -- A JSON array of the states that are sent again.
    states TEXT COLLATE "C" NOT NULL,
    -- Notifications before this one are done,
    position BYTEA NOT NULL,
    -- and those from this one on were accepted after it was asked for.
    until BYTEA NOT NULL,
    matched BIGINT NOT NULL,
    replayed BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- Why it stopped before its end.
    reason TEXT COLLATE "C"
);

-- One at a time for each endpoint.
CREATE UNIQUE INDEX redelivery_running ON redelivery (endpoint) WHERE ended_at IS NULL;
CREATE INDEX redelivery_endpoint ON redelivery (endpoint);
CREATE INDEX redelivery_ended ON redelivery (ended_at) WHERE ended_at IS NOT NULL;

-- The dead letters of an endpoint, however few among how many.
CREATE INDEX delivery_dead ON delivery (endpoint, notification)
    WHERE state IN ('abandoned', 'expired');

-- The attempts at an endpoint in the order in which they ended.
CREATE INDEX attempt_ended ON attempt (endpoint, (started_at + duration_ms));
