-- In which form a webhook is told; what its host reads where there is none.
ALTER TABLE webhook ADD COLUMN format TEXT COLLATE "C";

-- Each webhook has an endpoint of its own id. One that its owner has switched off is disabled.
INSERT INTO endpoint (id, owner, url, profile, disabled_reason, disabled_at, consecutive_failures,
    last_success, created_at)
SELECT w.id, w.owner, w.url, 'stream', CASE WHEN w.active = 0 THEN 'owner' END,
    CASE WHEN w.active = 0 THEN w.created_at END, w.error_count, w.last_triggered, w.created_at
FROM webhook w WHERE NOT EXISTS (SELECT 1 FROM endpoint e WHERE e.id = w.id);
