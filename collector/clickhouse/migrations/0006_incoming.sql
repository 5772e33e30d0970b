-- Where others than the sink put readings: Kafka Connect, or ClickHouse's own
-- Kafka engine, from the JSON topics. deploy/connect says how.
--
-- raw.incoming keeps nothing itself. What is inserted goes on, in the same
-- insertion and with the rights of who runs this migration, to raw.readings and
-- raw.epoch_ends, which collapse what comes twice; so everything behind them
-- works as ever, and who inserts needs INSERT on this table and no more. If one
-- of the two fails the insertion fails, and is repeated as a whole.
--
-- There is no plate and no tag here, only tokens, and those of vehicles that
-- were purged are dropped, as the sink does.
CREATE TABLE IF NOT EXISTS raw.incoming
(
    device_id          LowCardinality(String) COMMENT 'As in raw.readings, like all that is not said here.',
    epoch              UInt32,
    seq                UInt64,
    observed_at        DateTime64(6, 'UTC'),
    kind               Enum8('counter' = 1, 'speed' = 2, 'toll' = 3, 'epoch_end' = 4) COMMENT 'Kind of the device, or epoch_end: then last_seq counts and the measurement does not.',
    lane               UInt8,
    vehicle_class      Enum8('car' = 1, 'van' = 2, 'truck' = 3, 'bus' = 4, 'motorcycle' = 5, 'other' = 6),
    length_cm          UInt16,
    occupied_ms        UInt32,
    headway_ms         UInt32,
    speed_tenth_kmh    UInt16,
    limit_kmh          UInt8,
    confidence_percent UInt8,
    plate_token        UInt128,
    plate_key_id       UInt8,
    axles              UInt8,
    persons            UInt8,
    charge_cents       UInt32,
    last_seq           UInt64 COMMENT 'As in raw.epoch_ends.',
    received_at        DateTime64(3, 'UTC'),
    kafka_topic        LowCardinality(String) COMMENT 'Empty, and 0 below, where who inserts does not tell.',
    kafka_partition    UInt16,
    kafka_offset       UInt64
)
ENGINE = Null
COMMENT 'Door for readings and ends of epochs of the JSON topics: insert here, read raw.readings and raw.epoch_ends.';

CREATE MATERIALIZED VIEW IF NOT EXISTS raw.incoming_readings
TO raw.readings
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH incoming.plate_token IN (SELECT plate_token FROM raw.purges) AS forgotten
SELECT
    device_id,
    epoch,
    seq,
    observed_at,
    CAST(kind AS Enum8('counter' = 1, 'speed' = 2, 'toll' = 3)) AS kind,
    lane,
    vehicle_class,
    length_cm,
    occupied_ms,
    headway_ms,
    speed_tenth_kmh,
    limit_kmh,
    confidence_percent,
    if(forgotten, toUInt128(0), incoming.plate_token) AS plate_token,
    if(forgotten, 0, incoming.plate_key_id) AS plate_key_id,
    axles,
    persons,
    charge_cents,
    received_at,
    kafka_topic,
    kafka_partition,
    kafka_offset
FROM raw.incoming AS incoming
WHERE incoming.kind != 'epoch_end';

CREATE MATERIALIZED VIEW IF NOT EXISTS raw.incoming_epoch_ends
TO raw.epoch_ends
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    device_id,
    epoch,
    last_seq,
    received_at,
    kafka_topic,
    kafka_partition,
    kafka_offset
FROM raw.incoming
WHERE kind = 'epoch_end';
