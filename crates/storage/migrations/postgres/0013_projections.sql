-- Whoever appends events: an account, or a client of the API under its own DID.
CREATE TABLE projection_tenant (
    owner TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The position of the last event; positions have no gaps.
    last_event BIGINT NOT NULL,
    -- What all webhooks are signed with that have no secret of their own, sealed.
    secret BYTEA
);

-- The history, from which every state can be made again.
CREATE TABLE event (
    owner TEXT COLLATE "C" NOT NULL REFERENCES projection_tenant (owner),
    position BIGINT NOT NULL,
    id BYTEA NOT NULL,
    aggregate TEXT COLLATE "C" NOT NULL,
    aggregate_type TEXT COLLATE "C" NOT NULL,
    -- The place among the events of its aggregate, from 1 and without gaps.
    version BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    -- JSON.
    data TEXT COLLATE "C" NOT NULL,
    metadata TEXT COLLATE "C",
    correlation TEXT COLLATE "C",
    causation TEXT COLLATE "C",
    -- What it was made of, if that has a name: the same never makes a second event.
    source TEXT COLLATE "C",
    -- Where it is from, if it is not from the API: the name under which projections read it.
    origin TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner, position)
);

CREATE UNIQUE INDEX event_version ON event (owner, aggregate, version);
CREATE UNIQUE INDEX event_source ON event (owner, source) WHERE source IS NOT NULL;

CREATE TABLE projection (
    id BYTEA NOT NULL PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL REFERENCES projection_tenant (owner),
    -- What its owner wrote, as JSON.
    definition TEXT COLLATE "C" NOT NULL,
    -- Where its records come from, if it reads a source other than the API: what it is found by.
    reads TEXT COLLATE "C",
    endpoint BYTEA REFERENCES endpoint (id),
    isolated BIGINT NOT NULL,
    -- 'active', 'parked' or 'deleted'.
    status TEXT COLLATE "C" NOT NULL,
    parked_event BYTEA,
    parked_error TEXT COLLATE "C",
    parked_at BIGINT,
    -- Grows with every change by its owner: what was folded by an older one is not written.
    revision BIGINT NOT NULL,
    -- Grows with every new beginning; states belong to one.
    generation BIGINT NOT NULL,
    -- The last event that is folded.
    cursor BIGINT NOT NULL,
    -- The last notification.
    sequence BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX projection_owner ON projection (owner, id);
CREATE INDEX projection_endpoint ON projection (endpoint) WHERE endpoint IS NOT NULL;
CREATE INDEX projection_reads ON projection (reads) WHERE reads IS NOT NULL AND status <> 'deleted';

CREATE TABLE projection_state (
    projection BYTEA NOT NULL REFERENCES projection (id),
    generation BIGINT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    -- JSON.
    state TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (projection, generation, key)
);

-- The log of notifications, which is the truth that webhooks and streams follow.
CREATE TABLE projection_notice (
    projection BYTEA NOT NULL REFERENCES projection (id),
    -- From 1 and without gaps.
    sequence BIGINT NOT NULL,
    -- The envelope, as it is sent.
    body TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (projection, sequence)
);

CREATE INDEX projection_notice_age ON projection_notice (created_at);
