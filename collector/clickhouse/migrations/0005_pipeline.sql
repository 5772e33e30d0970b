-- How far raw and the live minutes are, for who may read neither raw nor
-- system: counts and times, nothing of a reading. From parts, not from rows, so
-- that it costs milliseconds at any size.
--
-- It acts with the rights of who runs this migration, as the views of 0004 do.
CREATE VIEW IF NOT EXISTS live.pipeline
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    (
        SELECT sum(rows) FROM system.parts
        WHERE database = 'raw' AND table = 'readings' AND active
    ) AS raw_row_count,
    (
        SELECT max(max_time) FROM system.parts
        WHERE database = 'raw' AND table = 'readings' AND active
    ) AS raw_newest_at,
    (SELECT max(inserted_at) FROM raw.touched) AS raw_inserted_at,
    (SELECT count() FROM raw.stale_slots(slot_s = 60)) AS stale_minute_count
COMMENT 'One row: rows of raw.readings, copies that are not merged yet included; newest observed_at, by clocks that may be ahead (1970 without any); newest insertion of the last 7 days (1970 without any); minutes of stations that live.station_minutes has still to compute.';
