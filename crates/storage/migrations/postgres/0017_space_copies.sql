-- Spaces hosted elsewhere that somebody here is told of, and whose repositories are copied for that.
CREATE TABLE copied_space (
    space TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The moment from which on, as a revision: what was there before is copied and told to nobody.
    since TEXT COLLATE "C" NOT NULL,
    -- Up to where the space's list of repositories was read: where recovery goes on.
    listed TEXT COLLATE "C",
    -- The newest place in its sequence that was heard of.
    heard TEXT COLLATE "C",
    -- Whether the list was read to its end once.
    is_listed BIGINT NOT NULL CHECK (is_listed IN (0, 1)),
    visit_at BIGINT NOT NULL
);

CREATE INDEX copied_space_visit ON copied_space (visit_at);

-- What one author has in such a space, as far as it was proved.
CREATE TABLE space_copy (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    space TEXT COLLATE "C" NOT NULL,
    author TEXT COLLATE "C" NOT NULL,
    -- The revision that was proved last; none so far.
    rev TEXT COLLATE "C",
    -- The state of the set hash.
    state BYTEA NOT NULL,
    records BIGINT NOT NULL,
    -- Counts the changes of this row and its records.
    version BIGINT NOT NULL,
    -- What is older is told to nobody.
    quiet_until TEXT COLLATE "C",
    -- Why it does not go on: what was not proved, or why the author's host was given up.
    trouble TEXT COLLATE "C",
    trouble_at BIGINT,
    UNIQUE (space, author)
);

CREATE TABLE space_copy_record (
    copy BIGINT NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    rkey TEXT COLLATE "C" NOT NULL,
    cid TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (copy, collection, rkey)
);
