-- Whether others have registered the same URL for the same space: what it is told is signed with their
-- secrets as well.
ALTER TABLE endpoint ADD COLUMN cosigned BIGINT NOT NULL DEFAULT 0 CHECK (cosigned IN (0, 1));

UPDATE endpoint SET cosigned = 1 WHERE id IN
    (SELECT g.endpoint FROM registration g WHERE g.url <> '' AND EXISTS
        (SELECT 1 FROM registration other
         WHERE other.space = g.space AND other.shape = g.shape AND other.url = g.url
             AND other.endpoint <> g.endpoint));
