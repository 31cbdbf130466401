-- Whoever appends events: an account, or a client of the API under its own DID.
CREATE TABLE projection_tenant (
    owner TEXT NOT NULL PRIMARY KEY,
    -- The position of the last event; positions have no gaps.
    last_event INTEGER NOT NULL,
    -- What all webhooks are signed with that have no secret of their own, sealed.
    secret BLOB
) STRICT, WITHOUT ROWID;

-- The history, from which every state can be made again.
CREATE TABLE event (
    owner TEXT NOT NULL REFERENCES projection_tenant (owner),
    position INTEGER NOT NULL,
    id BLOB NOT NULL,
    aggregate TEXT NOT NULL,
    aggregate_type TEXT NOT NULL,
    -- The place among the events of its aggregate, from 1 and without gaps.
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- JSON.
    data TEXT NOT NULL,
    metadata TEXT,
    correlation TEXT,
    causation TEXT,
    -- What it was made of, if that has a name: the same never makes a second event.
    source TEXT,
    -- Where it is from, if it is not from the API: the name under which projections read it.
    origin TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (owner, position)
) STRICT;

CREATE UNIQUE INDEX event_version ON event (owner, aggregate, version);
CREATE UNIQUE INDEX event_source ON event (owner, source) WHERE source IS NOT NULL;

CREATE TABLE projection (
    id BLOB NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL REFERENCES projection_tenant (owner),
    -- What its owner wrote, as JSON.
    definition TEXT NOT NULL,
    -- Where its records come from, if it reads a source other than the API: what it is found by.
    reads TEXT,
    endpoint BLOB REFERENCES endpoint (id),
    isolated INTEGER NOT NULL,
    -- 'active', 'parked' or 'deleted'.
    status TEXT NOT NULL,
    parked_event BLOB,
    parked_error TEXT,
    parked_at INTEGER,
    -- Grows with every change by its owner: what was folded by an older one is not written.
    revision INTEGER NOT NULL,
    -- Grows with every new beginning; states belong to one.
    generation INTEGER NOT NULL,
    -- The last event that is folded.
    cursor INTEGER NOT NULL,
    -- The last notification.
    sequence INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX projection_owner ON projection (owner, id);
CREATE INDEX projection_endpoint ON projection (endpoint) WHERE endpoint IS NOT NULL;
CREATE INDEX projection_reads ON projection (reads) WHERE reads IS NOT NULL AND status <> 'deleted';

CREATE TABLE projection_state (
    projection BLOB NOT NULL REFERENCES projection (id),
    generation INTEGER NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- JSON.
    state TEXT NOT NULL,
    PRIMARY KEY (projection, generation, key)
) STRICT, WITHOUT ROWID;

-- The log of notifications, which is the truth that webhooks and streams follow.
CREATE TABLE projection_notice (
    projection BLOB NOT NULL REFERENCES projection (id),
    -- From 1 and without gaps.
    sequence INTEGER NOT NULL,
    -- The envelope, as it is sent.
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (projection, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX projection_notice_age ON projection_notice (created_at);
