-- ClickHouse's own Kafka engine in the place of a connector: ClickHouse itself
-- consumes the JSON topics into raw.incoming. Run it as a user with all rights
-- on raw, and KAFKA, after the collector has migrated:
--
--   clickhouse-client --queries-file kafka-engine.sql --param_brokers=broker:9092
--
-- DETACH TABLE raw.incoming_from_kafka pauses it, DROP TABLE on all of these
-- ends it; offsets stay in the group gantry-clickhouse.
--
-- Offsets are committed after the insertion, so that a killed server reads again
-- what it had not committed and ReplacingMergeTree collapses it. JSON, although
-- the engine reads Protobuf too: the reading topics hold plates, and their token
-- needs a key that must not stand in a table's definition.
CREATE TABLE IF NOT EXISTS raw.incoming_from_kafka
(
    device_id          String,
    epoch              UInt32,
    seq                UInt64,
    observed_at        DateTime64(6, 'UTC'),
    kind               Enum8('counter' = 1, 'speed' = 2, 'toll' = 3, 'epoch_end' = 4),
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
    last_seq           UInt64,
    received_at        DateTime64(3, 'UTC')
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = {brokers:String},
    kafka_topic_list = 'traffic.gantry.reading.json.v1,traffic.gantry.backfill.json.v1',
    kafka_group_name = 'gantry-clickhouse',
    kafka_format = 'JSONEachRow',
    kafka_num_consumers = 2,
    kafka_thread_per_consumer = 1,
    kafka_max_block_size = 200000,
    kafka_poll_max_batch_size = 50000,
    kafka_flush_interval_ms = 1000,
    -- A record that is no reading must not hold up those behind it.
    kafka_handle_error_mode = 'stream';

-- What cannot be read, beside what ingest refused.
CREATE MATERIALIZED VIEW IF NOT EXISTS raw.rejects_from_kafka
TO raw.rejects
AS SELECT
    _key AS device_id,
    'REJECT_CODE_MALFORMED' AS code,
    'value' AS field,
    _error AS reason,
    _raw_message AS value,
    toDateTime64(_timestamp, 3, 'UTC') AS received_at,
    _topic AS source_topic,
    toInt32(_partition) AS source_partition,
    toInt64(_offset) AS source_offset
FROM raw.incoming_from_kafka
WHERE _error != '';

CREATE MATERIALIZED VIEW IF NOT EXISTS raw.readings_from_kafka
TO raw.incoming
AS SELECT
    *,
    _topic AS kafka_topic,
    toUInt16(_partition) AS kafka_partition,
    _offset AS kafka_offset
FROM raw.incoming_from_kafka
WHERE _error = '';
