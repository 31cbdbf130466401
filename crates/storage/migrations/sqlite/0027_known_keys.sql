-- Used keys in the order in which they came. Whoever writes knows them by heart and adds at the end, where
-- many fit on a page; a key that is older than the newest known row is known.
DROP TRIGGER replay_kept;
DROP TRIGGER replay_forgotten;
DROP TABLE replay_count;

ALTER TABLE replay RENAME TO replay_before;

CREATE TABLE replay (
    -- Never given twice, so that others find what was added since they looked.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    not_after INTEGER NOT NULL
) STRICT;

INSERT INTO replay (scope, key, not_after) SELECT scope, key, not_after FROM replay_before;
DROP TABLE replay_before;

CREATE INDEX replay_expiry ON replay (not_after);
