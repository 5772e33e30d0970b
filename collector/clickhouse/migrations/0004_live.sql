-- Live minute tables. dbt computes the same sums from raw in its own time and
-- to the last reading; these are here within seconds.
--
-- Way of a reading: an insert into raw.readings notes device and minute in
-- raw.touched; every few seconds live.refresh_minutes computes anew, from
-- raw.readings FINAL, the minutes that were touched since they were last
-- computed, and appends them with a higher version. Whole minutes of whole
-- stations, never an increment: copies and late readings change nothing but
-- what they should, and a refresh that died half-way is simply repeated.
--
-- What is "last computed" stands in live.station_minute_versions itself, row
-- by row, so a restart, an outage of hours or a refresh that was cut by its
-- limit need no memory and no clock of ours: what is stale stays stale until
-- it has been computed.
--
-- Two views, so that history does not hold up the present: refresh_minutes
-- looks at this hour and the two before it, minute by minute; refresh_hours
-- at everything older, hour by hour and only once an hour has come to rest.
-- Both compute the newest first and no more at a time than LIMIT says.
--
-- Rights: the three materialized views act with the rights of who runs this
-- migration (the collector's user), which needs, besides ALL on raw.*: ALL on
-- live.* and TABLE ENGINE. Who writes raw.readings needs no right on raw.touched,
-- and who reads live.* none on raw. No plate, tag or token comes here.
--
-- On a cluster each shard computes from the devices it holds: sum over shards.
CREATE DATABASE IF NOT EXISTS live;

-- Copies are harmless. Old readings come by the million, so they are noted by
-- the hour. A row lives for a week: so long may the refreshes be down before
-- something is forgotten.
CREATE TABLE IF NOT EXISTS raw.touched
(
    device_id   LowCardinality(String) COMMENT 'Device that the readings are of.',
    slot        DateTime('UTC') COMMENT 'Begin of the minute they were observed in; of the hour, if it was older than two hours.' CODEC(Delta, ZSTD(1)),
    inserted_at DateTime64(3, 'UTC') COMMENT 'When they were inserted, shortly before they can be seen.' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(inserted_at)
PARTITION BY toDate(inserted_at)
ORDER BY (slot, device_id)
TTL toDateTime(inserted_at) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'One row per device, minute or hour that got readings, and insertion; for the live tables.';

CREATE MATERIALIZED VIEW IF NOT EXISTS raw.touched_by_readings
TO raw.touched
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    device_id,
    if(observed_at < toStartOfHour(now('UTC') - INTERVAL 2 HOUR), toStartOfHour(observed_at), toStartOfMinute(observed_at)) AS slot,
    -- not the readings' own inserted_at: rows may come from another table
    now64(3, 'UTC') AS inserted_at
FROM raw.readings
GROUP BY device_id, slot;

CREATE TABLE IF NOT EXISTS live.station_minute_versions
(
    station_id    LowCardinality(String) COMMENT 'Station of the devices at that time.',
    lane          UInt8 COMMENT 'Lane, numbered from the nearside, 1-based.',
    vehicle_class LowCardinality(String) COMMENT 'Class as the instrument tells it; none in the one deleted row of a slot that has no reading.',

    counter_count                  UInt64 COMMENT 'Vehicles that counters counted.' CODEC(T64, ZSTD(1)),
    counter_covered_ms             UInt64 COMMENT 'Time that their loops were covered, in ms.' CODEC(T64, ZSTD(1)),
    counter_speed_count            UInt64 COMMENT 'Of them, those with a plausible speed, (length + loop length) / covered time.' CODEC(T64, ZSTD(1)),
    counter_sum_speed_m_h          UInt64 COMMENT 'Sum of these speeds, each a whole number of m/h.' CODEC(T64, ZSTD(1)),
    counter_sum_speed_squared_m2_h2 UInt64 COMMENT 'Sum of their squares, in (m/h)^2.' CODEC(T64, ZSTD(1)),
    counter_sum_pace_us_km         UInt64 COMMENT 'Sum of their inverses, each a whole number of µs/km.' CODEC(T64, ZSTD(1)),
    camera_count                   UInt64 COMMENT 'Vehicles that speed cameras saw.' CODEC(T64, ZSTD(1)),
    camera_speed_count             UInt64 COMMENT 'Of them, those with a plausible speed.' CODEC(T64, ZSTD(1)),
    camera_sum_speed_m_h           UInt64 COMMENT 'As counter_sum_speed_m_h.' CODEC(T64, ZSTD(1)),
    camera_sum_speed_squared_m2_h2 UInt64 COMMENT 'As counter_sum_speed_squared_m2_h2.' CODEC(T64, ZSTD(1)),
    camera_sum_pace_us_km          UInt64 COMMENT 'As counter_sum_pace_us_km.' CODEC(T64, ZSTD(1)),
    toll_count                     UInt64 COMMENT 'Vehicles that toll gantries saw.' CODEC(T64, ZSTD(1)),
    toll_sum_persons               UInt64 COMMENT 'Persons in them.' CODEC(T64, ZSTD(1)),
    toll_single_count              UInt64 COMMENT 'Of them, those with one person.' CODEC(T64, ZSTD(1)),

    minute       DateTime('UTC') COMMENT 'Begin of the minute.' CODEC(Delta, ZSTD(1)),
    computed_at  DateTime64(3, 'UTC') COMMENT 'When it was decided to compute this row, before raw was read.' CODEC(Delta, ZSTD(1)),
    version      UInt64 COMMENT 'Grows with each computation, even if the clock goes back.' CODEC(Delta, ZSTD(1)),
    is_deleted   UInt8 COMMENT '1 where there is no reading, or a correction left none.' CODEC(ZSTD(1)),
    devices_hash UInt64 COMMENT 'Slot that this was computed with, and devices that stood there then by raw.devices: when that changes, the row is stale.' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toDate(minute)
ORDER BY (minute, station_id, lane, vehicle_class)
COMMENT 'One row per station, lane, vehicle class, minute and computation: read live.station_minutes instead.';

CREATE VIEW IF NOT EXISTS live.station_minutes
AS SELECT
    station_id,
    lane,
    vehicle_class,

    counter_count,
    counter_covered_ms,
    counter_speed_count,
    counter_sum_speed_m_h,
    counter_sum_speed_squared_m2_h2,
    counter_sum_pace_us_km,
    camera_count,
    camera_speed_count,
    camera_sum_speed_m_h,
    camera_sum_speed_squared_m2_h2,
    camera_sum_pace_us_km,
    toll_count,
    toll_sum_persons,
    toll_single_count,

    minute,
    computed_at
FROM live.station_minute_versions FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'One row per station, lane, vehicle class and minute with a reading: parts that can be added up. Speeds are in m/h, paces in µs/km, covered time in ms; columns as in live.station_minute_versions.';

-- Where each device stood from when to when; its first place reaches back for
-- ever. dbt's int_device_versions says the same.
CREATE VIEW IF NOT EXISTS raw.device_versions
AS SELECT
    device_id,
    station_id,
    loop_length_cm,
    if(row_number() OVER (PARTITION BY device_id ORDER BY valid_from) = 1, toDateTime64(0, 6, 'UTC'), valid_from) AS since,
    leadInFrame(valid_from, 1, toDateTime64('2200-01-01 00:00:00', 6, 'UTC')) OVER (
        PARTITION BY device_id ORDER BY valid_from ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS until
FROM raw.devices FINAL
COMMENT 'One row per device and place: station and loop length (cm) from since to until.';

-- Stations and slots that have to be computed. A slot is a minute of this hour
-- and the two before it (slot_s = 60), or an older hour (slot_s = 3600).
--
-- A minute is stale if touched within 10 s before it was last computed, and
-- once more when 120 s have passed since: rows are stamped before they can be
-- seen (dbt: insert_margin_s). For an hour only the latter counts.
-- Either is stale when devices_hash says that it was computed for other devices
-- than raw.devices tells today, or as another slot, so that each minute is
-- computed once more, in its hour, when it is old; or when it was computed in
-- the future: the clock went back.
CREATE VIEW IF NOT EXISTS raw.stale_slots
AS WITH
    touched AS (
        SELECT
            device_id,
            if({slot_s:UInt32} = 60, noted.slot, toStartOfHour(noted.slot)) AS slot,
            max(inserted_at) AS touched_at
        FROM raw.touched AS noted
        WHERE if({slot_s:UInt32} = 60,
            noted.slot >= toStartOfHour(now('UTC') - INTERVAL 2 HOUR),
            noted.slot < toStartOfHour(now('UTC') - INTERVAL 2 HOUR) AND inserted_at <= now64(3, 'UTC') - INTERVAL 120 SECOND)
        GROUP BY device_id, slot
    ),

    looked_at AS (
        SELECT
            versions.station_id AS station_id,
            touched.slot AS slot,
            touched.touched_at AS touched_at,
            toDateTime64(0, 3, 'UTC') AS computed_at,
            toUInt64(0) AS devices_hash,
            toUInt64(0) AS version
        FROM touched
        INNER JOIN raw.device_versions AS versions ON touched.device_id = versions.device_id
        WHERE versions.since < touched.slot + {slot_s:UInt32} AND versions.until > touched.slot
        UNION ALL
        SELECT
            station_id,
            if({slot_s:UInt32} = 60, minute, toStartOfHour(minute)) AS slot,
            toDateTime64(0, 3, 'UTC') AS touched_at,
            computed_at,
            devices_hash,
            version
        FROM live.station_minute_versions
        WHERE if({slot_s:UInt32} = 60,
                minute >= toStartOfHour(now('UTC') - INTERVAL 2 HOUR),
                minute < toStartOfHour(now('UTC') - INTERVAL 2 HOUR))
            AND slot IN (SELECT slot FROM touched)
    ),

    slots AS (
        SELECT
            station_id,
            slot,
            max(looked_at.touched_at) AS last_touched_at,
            max(looked_at.computed_at) AS last_computed_at,
            argMax(looked_at.devices_hash, looked_at.computed_at) AS last_devices_hash,
            max(looked_at.version) AS last_version
        FROM looked_at
        GROUP BY station_id, slot
    ),

    equipped AS (
        SELECT
            station_id,
            slot,
            any(last_touched_at) AS touched_at,
            any(last_computed_at) AS computed_at_before,
            any(last_devices_hash) AS devices_hash_before,
            any(last_version) AS version_before,
            groupUniqArrayIf(versions.device_id, versions.since < slot + {slot_s:UInt32} AND versions.until > slot) AS devices,
            sumIf(
                cityHash64(
                    versions.device_id,
                    versions.loop_length_cm,
                    greatest(versions.since, toDateTime64(slot, 6, 'UTC')),
                    least(versions.until, toDateTime64(slot + {slot_s:UInt32}, 6, 'UTC'))
                ),
                versions.since < slot + {slot_s:UInt32} AND versions.until > slot
            ) AS devices_hash
        FROM slots
        LEFT JOIN raw.device_versions AS versions ON slots.station_id = versions.station_id
        GROUP BY station_id, slot
    )

SELECT
    station_id,
    slot,
    devices,
    devices_hash,
    now64(3, 'UTC') AS computed_at,
    -- above what stands there, even after the clock went back
    greatest(toUInt64(toUnixTimestamp64Milli(computed_at)), version_before + 1) AS version
FROM equipped
WHERE devices_hash != devices_hash_before
    OR computed_at_before > now64(3, 'UTC')
    OR ({slot_s:UInt32} = 60 AND touched_at + INTERVAL 10 SECOND > computed_at_before)
    OR (touched_at + INTERVAL 120 SECOND > computed_at_before AND touched_at + INTERVAL 120 SECOND <= now64(3, 'UTC'))
SETTINGS join_use_nulls = 0
COMMENT 'One row per station and minute (slot_s = 60) or hour (slot_s = 3600) whose live minutes have to be computed.';

-- Speeds as in dbt's int_station_flow_5m: m/ms = 3.6e6 m/h, and a vehicle
-- covers the loop over its own length and the loop's.
CREATE VIEW IF NOT EXISTS raw.placed_readings
AS SELECT
    readings.device_id AS device_id,
    versions.station_id AS station_id,
    readings.observed_at AS observed_at,
    CAST(readings.kind AS LowCardinality(String)) AS kind,
    readings.lane AS lane,
    CAST(readings.vehicle_class AS LowCardinality(String)) AS vehicle_class,
    readings.occupied_ms AS occupied_ms,
    readings.persons AS persons,
    multiIf(
        readings.kind = 'counter',
        round((readings.length_cm / 100 + versions.loop_length_cm / 100) * 3600000 / readings.occupied_ms),
        readings.kind = 'speed',
        round(readings.speed_tenth_kmh / 10 * 1000),
        0
    ) AS told_speed_m_h,
    -- above 300 km/h it is an error (dbt: plausible_speed_max_kmh)
    if(told_speed_m_h BETWEEN 1 AND 300000, toUInt64(told_speed_m_h), 0) AS speed_m_h,
    if(speed_m_h > 0, toUInt64(round(3.6e12 / speed_m_h)), 0) AS pace_us_km
FROM raw.readings AS readings FINAL
ASOF INNER JOIN raw.device_versions AS versions
    ON readings.device_id = versions.device_id AND readings.observed_at >= versions.since
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'One row per reading of a device that the network knows: where it stood, and its speed in m/h and pace in µs/km, 0 if it has none that can be believed.';

-- stale is decided once, before anything is read: had two subqueries looked
-- for themselves, one could find a slot that the other did not read.
CREATE VIEW IF NOT EXISTS raw.fresh_minutes
AS WITH
    (
        SELECT groupArray((station_id, slot, devices, devices_hash, computed_at, version))
        FROM (SELECT * FROM raw.stale_slots(slot_s = {slot_s:UInt32}) ORDER BY slot DESC, station_id LIMIT {most:UInt32})
    ) AS stale,

    -- A device that moved may bring a few readings of a station that is not
    -- stale, and not all of it: the join with this leaves them out.
    decided AS (
        SELECT s.1 AS station_id, s.2 AS slot, s.4 AS devices_hash, s.5 AS computed_at, s.6 AS version
        FROM (SELECT arrayJoin(stale) AS s)
    ),

    -- What stands there may be gone by now: one row that counts for nothing.
    told AS (
        SELECT station_id, lane, vehicle_class, kind, occupied_ms, speed_m_h, pace_us_km, persons, toStartOfMinute(observed_at) AS minute
        FROM raw.placed_readings
        WHERE (device_id, if({slot_s:UInt32} = 60, toStartOfMinute(observed_at), toStartOfHour(observed_at))) IN (
            SELECT arrayJoin(arrayFlatten(arrayMap(s -> arrayMap(d -> (d, s.2), s.3), stale)))
        )
        UNION ALL
        SELECT DISTINCT station_id, lane, vehicle_class, '', 0, 0, 0, 0, minute
        FROM live.station_minute_versions
        WHERE (if({slot_s:UInt32} = 60, minute, toStartOfHour(minute)), station_id) IN (SELECT arrayJoin(arrayMap(s -> (s.2, s.1), stale)))
        UNION ALL
        -- Nothing was and is there: a row without class says that it was looked
        -- at, or the slot would be stale for ever. So it is at the other station
        -- of a device that moved within the slot.
        SELECT station_id, 0, '', '', 0, 0, 0, 0, slot
        FROM decided
    )

SELECT
    told.station_id AS station_id,
    told.lane AS lane,
    told.vehicle_class AS vehicle_class,

    countIf(kind = 'counter') AS counter_count,
    sumIf(occupied_ms, kind = 'counter') AS counter_covered_ms,
    countIf(kind = 'counter' AND speed_m_h > 0) AS counter_speed_count,
    sumIf(speed_m_h, kind = 'counter') AS counter_sum_speed_m_h,
    sumIf(speed_m_h * speed_m_h, kind = 'counter') AS counter_sum_speed_squared_m2_h2,
    sumIf(pace_us_km, kind = 'counter') AS counter_sum_pace_us_km,
    countIf(kind = 'speed') AS camera_count,
    countIf(kind = 'speed' AND speed_m_h > 0) AS camera_speed_count,
    sumIf(speed_m_h, kind = 'speed') AS camera_sum_speed_m_h,
    sumIf(speed_m_h * speed_m_h, kind = 'speed') AS camera_sum_speed_squared_m2_h2,
    sumIf(pace_us_km, kind = 'speed') AS camera_sum_pace_us_km,
    countIf(kind = 'toll') AS toll_count,
    sumIf(persons, kind = 'toll') AS toll_sum_persons,
    countIf(kind = 'toll' AND persons = 1) AS toll_single_count,

    told.minute AS minute,
    any(decided.computed_at) AS computed_at,
    any(decided.version) AS version,
    counter_count + camera_count + toll_count = 0 AS is_deleted,
    any(decided.devices_hash) AS devices_hash
FROM told
INNER JOIN decided
    ON told.station_id = decided.station_id
        AND if({slot_s:UInt32} = 60, told.minute, toStartOfHour(told.minute)) = decided.slot
GROUP BY station_id, lane, vehicle_class, minute, decided.slot
QUALIFY vehicle_class != '' OR count() OVER (PARTITION BY station_id, decided.slot) = 1
SETTINGS join_use_nulls = 0
COMMENT 'Rows for live.station_minute_versions: the newest so many stale slots (most) of the length slot_s, computed from raw.';

-- Few threads and little memory: ingest goes first. One block and hence one
-- part a day, so that a slot appears as a whole or not at all.
CREATE MATERIALIZED VIEW IF NOT EXISTS live.refresh_minutes
REFRESH EVERY 5 SECOND APPEND
TO live.station_minute_versions
DEFINER = CURRENT_USER SQL SECURITY DEFINER
EMPTY AS SELECT * FROM raw.fresh_minutes(slot_s = 60, most = 5000)
SETTINGS
    max_threads = 1,
    max_memory_usage = 1073741824,
    max_bytes_before_external_group_by = 268435456,
    min_insert_block_size_rows = 100000000,
    min_insert_block_size_bytes = 8589934592;

CREATE MATERIALIZED VIEW IF NOT EXISTS live.refresh_hours
REFRESH EVERY 1 MINUTE APPEND
TO live.station_minute_versions
DEFINER = CURRENT_USER SQL SECURITY DEFINER
EMPTY AS SELECT * FROM raw.fresh_minutes(slot_s = 3600, most = 1000)
SETTINGS
    max_threads = 1,
    max_memory_usage = 1073741824,
    max_bytes_before_external_group_by = 268435456,
    min_insert_block_size_rows = 100000000,
    min_insert_block_size_bytes = 8589934592;

-- What raw held before this migration.
INSERT INTO raw.touched (device_id, slot, inserted_at)
SELECT DISTINCT
    device_id,
    if(observed_at < toStartOfHour(now('UTC') - INTERVAL 2 HOUR), toStartOfHour(observed_at), toStartOfMinute(observed_at)),
    now64(3, 'UTC')
FROM raw.readings;
