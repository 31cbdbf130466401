-- What one node does at a time, and for as long as it says that it is at it.
CREATE TABLE claim (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    node TEXT COLLATE "C" NOT NULL,
    held_until BIGINT NOT NULL
);

-- How far a record stream is done with, for each source that it was read from.
CREATE TABLE stream_cursor (
    stream TEXT COLLATE "C" NOT NULL,
    -- Whose positions these are: scheme, host and path.
    source TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    -- When the event at that position happened, in microseconds since 1970.
    time_us BIGINT NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (stream, source)
);

-- What an event causes and cannot be finished without asking others.
CREATE TABLE errand (
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    payload TEXT COLLATE "C" NOT NULL,
    -- Grows with each newer payload.
    version BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    last_error TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    PRIMARY KEY (kind, subject)
);

CREATE INDEX errand_due ON errand (kind, due_at);

-- What a record referred to when it was last seen, so that its end can be told to those it referred to.
CREATE TABLE backlink_reference (
    uri TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- AT-URIs, with blanks between.
    targets TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX backlink_reference_expiry ON backlink_reference (expires_at);

-- Frames of a stream that could not be read: what is known of them, and not what they held.
CREATE TABLE stream_quarantine (
    stream TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    position BIGINT,
    seen BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (stream, sha256)
);

CREATE INDEX stream_quarantine_last ON stream_quarantine (last_at);
