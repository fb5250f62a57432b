-- Places that grow, over machines and releases
SELECT version, function, file, line, count(DISTINCT machine) AS machines, sum(bytes) AS bytes
FROM blocks WHERE fate = 'leaked'
GROUP BY version, function, file, line
ORDER BY bytes DESC, version, function LIMIT 10;

-- Regressions: bytes leaked in a run, in the old and in the new release
WITH runs AS (SELECT version, count(DISTINCT run) AS n FROM blocks GROUP BY version),
leaks AS (
    SELECT function, file, line, b.version, sum(bytes) / max(n) AS bytes
    FROM blocks b JOIN runs ON b.version = runs.version
    WHERE fate = 'leaked' GROUP BY function, file, line, b.version)
SELECT function, file, line,
    CAST(round(sum(CASE WHEN version = 'v1.0' THEN bytes ELSE 0 END)) AS BIGINT) AS before,
    CAST(round(sum(CASE WHEN version = 'v1.1' THEN bytes ELSE 0 END)) AS BIGINT) AS after
FROM leaks GROUP BY function, file, line
ORDER BY after - before DESC, function LIMIT 10;

-- The worst hour
SELECT CAST(date_trunc('hour', born) AS VARCHAR(19)) AS hour, sum(bytes) / count(DISTINCT run) AS bytes_a_run
FROM blocks WHERE fate = 'leaked'
GROUP BY date_trunc('hour', born)
ORDER BY bytes_a_run DESC, hour LIMIT 3;
