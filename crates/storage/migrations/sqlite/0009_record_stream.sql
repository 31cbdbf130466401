-- What one node does at a time, and for as long as it says that it is at it.
CREATE TABLE claim (
    name TEXT NOT NULL PRIMARY KEY,
    node TEXT NOT NULL,
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far a record stream is done with, for each source that it was read from.
CREATE TABLE stream_cursor (
    stream TEXT NOT NULL,
    -- Whose positions these are: scheme, host and path.
    source TEXT NOT NULL,
    position INTEGER NOT NULL,
    -- When the event at that position happened, in microseconds since 1970.
    time_us INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (stream, source)
) STRICT, WITHOUT ROWID;

-- What an event causes and cannot be finished without asking others.
CREATE TABLE errand (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    -- Grows with each newer payload.
    version INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX errand_due ON errand (kind, due_at);

-- What a record referred to when it was last seen, so that its end can be told to those it referred to.
CREATE TABLE backlink_reference (
    uri TEXT NOT NULL PRIMARY KEY,
    -- AT-URIs, with blanks between.
    targets TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX backlink_reference_expiry ON backlink_reference (expires_at);

-- Frames of a stream that could not be read: what is known of them, and not what they held.
CREATE TABLE stream_quarantine (
    stream TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    position INTEGER,
    seen INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (stream, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX stream_quarantine_last ON stream_quarantine (last_at);
