-- Work that one node does at a time, once for each turn.
CREATE TABLE chore (
    name TEXT NOT NULL PRIMARY KEY,
    -- The turn that was done last.
    done_for INTEGER NOT NULL,
    -- Until when a node is at it.
    claimed_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is over, by how it ended: dead letters are kept for longer than the rest.
DROP INDEX delivery_ended;
CREATE INDEX delivery_ended ON delivery (state, ended_at) WHERE ended_at IS NOT NULL;
