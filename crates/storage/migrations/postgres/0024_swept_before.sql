-- The versions of aggregates of which all is gone are kept for as long as somebody reads sources, and a year
-- at most: sources never end, and records are aggregates. Rows are as many as records that were heard of in
-- that time. Their newest events that have gone are from before this time.
ALTER TABLE swept_version ADD COLUMN swept_before BIGINT NOT NULL DEFAULT 0;
UPDATE swept_version SET swept_before = coalesce(
    (SELECT t.sourced_from FROM projection_tenant t WHERE t.owner = swept_version.owner), 0);
CREATE INDEX swept_version_age ON swept_version (swept_before);

-- What had gone before versions were kept: a state has the version of the last event of its aggregate, unless
-- its projection names by itself what it folds into.
INSERT INTO swept_version (owner, aggregate, version, swept_before)
SELECT p.owner, s.key, max(s.version), max(t.sourced_from)
FROM projection p
JOIN projection_tenant t ON t.owner = p.owner
JOIN projection_state s ON s.projection = p.id AND s.generation = p.generation
WHERE p.reads IS NOT NULL AND p.status <> 'deleted' AND p.definition NOT LIKE '%"key":%'
    AND t.sourced_from IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM event e WHERE e.owner = p.owner AND e.aggregate = s.key)
GROUP BY p.owner, s.key
ON CONFLICT (owner, aggregate) DO UPDATE SET version = excluded.version
    WHERE swept_version.version < excluded.version;
