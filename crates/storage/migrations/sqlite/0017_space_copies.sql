-- Spaces hosted elsewhere that somebody here is told of, and whose repositories are copied for that.
CREATE TABLE copied_space (
    space TEXT NOT NULL PRIMARY KEY,
    -- The moment from which on, as a revision: what was there before is copied and told to nobody.
    since TEXT NOT NULL,
    -- Up to where the space's list of repositories was read: where recovery goes on.
    listed TEXT,
    -- The newest place in its sequence that was heard of.
    heard TEXT,
    -- Whether the list was read to its end once.
    is_listed INTEGER NOT NULL CHECK (is_listed IN (0, 1)),
    visit_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX copied_space_visit ON copied_space (visit_at);

-- What one author has in such a space, as far as it was proved.
CREATE TABLE space_copy (
    id INTEGER NOT NULL PRIMARY KEY,
    space TEXT NOT NULL,
    author TEXT NOT NULL,
    -- The revision that was proved last; none so far.
    rev TEXT,
    -- The state of the set hash.
    state BLOB NOT NULL,
    records INTEGER NOT NULL,
    -- Counts the changes of this row and its records.
    version INTEGER NOT NULL,
    -- What is older is told to nobody.
    quiet_until TEXT,
    -- Why it does not go on: what was not proved, or why the author's host was given up.
    trouble TEXT,
    trouble_at INTEGER,
    UNIQUE (space, author)
) STRICT;

CREATE TABLE space_copy_record (
    copy INTEGER NOT NULL,
    collection TEXT NOT NULL,
    rkey TEXT NOT NULL,
    cid TEXT NOT NULL,
    PRIMARY KEY (copy, collection, rkey)
) STRICT, WITHOUT ROWID;
