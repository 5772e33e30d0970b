-- Readings as the devices sent them. Identity is (device_id, epoch, seq); the
-- same identity means the same bytes, hence the same observed_at, so copies
-- meet in one partition and under one sorting key and FINAL collapses them.
CREATE TABLE IF NOT EXISTS raw.readings
(
    device_id          LowCardinality(String) CODEC(ZSTD(1)),
    epoch              UInt32 CODEC(ZSTD(1)),
    seq                UInt64 CODEC(DoubleDelta, ZSTD(1)),
    observed_at        DateTime64(6, 'UTC') CODEC(T64, ZSTD(1)),
    kind               Enum8('counter' = 1, 'speed' = 2, 'toll' = 3) CODEC(ZSTD(1)),
    lane               UInt8 CODEC(ZSTD(1)),
    vehicle_class      Enum8('car' = 1, 'van' = 2, 'truck' = 3, 'bus' = 4, 'motorcycle' = 5, 'other' = 6) CODEC(ZSTD(1)),
    -- counter
    length_cm          UInt16 CODEC(T64, ZSTD(1)),
    occupied_ms        UInt32 CODEC(T64, ZSTD(1)),
    headway_ms         UInt32 CODEC(T64, ZSTD(1)),
    -- speed
    speed_tenth_kmh    UInt16 CODEC(T64, ZSTD(1)),
    limit_kmh          UInt8 CODEC(ZSTD(1)),
    confidence_percent UInt8 CODEC(ZSTD(1)),
    -- speed and toll; personal data: enforcement and the collector only
    plate              String CODEC(ZSTD(1)),
    tag                String CODEC(ZSTD(1)),
    -- keyed hash of plate, else of tag; 0 when neither was read
    plate_token        UInt128 CODEC(ZSTD(1)),
    plate_key_id       UInt8 CODEC(ZSTD(1)),
    -- toll
    axles              UInt8 CODEC(ZSTD(1)),
    persons            UInt8 CODEC(ZSTD(1)),
    charge_cents       UInt32 CODEC(T64, ZSTD(1)),
    -- the way it came; differs between copies
    received_at        DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    kafka_topic        LowCardinality(String) CODEC(ZSTD(1)),
    kafka_partition    UInt16 CODEC(ZSTD(1)),
    kafka_offset       UInt64 CODEC(DoubleDelta, ZSTD(1)),
    inserted_at        DateTime('UTC') DEFAULT now() CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(observed_at)
ORDER BY (device_id, observed_at, epoch, seq)
PRIMARY KEY (device_id, observed_at);

-- Ends of epochs: seq is last_seq + 1.
CREATE TABLE IF NOT EXISTS raw.epoch_ends
(
    device_id       LowCardinality(String),
    epoch           UInt32,
    last_seq        UInt64,
    received_at     DateTime64(3, 'UTC'),
    kafka_topic     LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset    UInt64,
    inserted_at     DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (device_id, epoch);

-- Readings refused for good, from the dead-letter topic. kafka_offset stands
-- in the key for records of the sink's own, which may have no identity.
CREATE TABLE IF NOT EXISTS raw.rejects
(
    device_id       String,
    epoch           UInt32,
    seq             UInt64,
    code            LowCardinality(String),
    field           LowCardinality(String),
    reason          String,
    value           String,
    agent_id        String,
    received_at     DateTime64(3, 'UTC'),
    source_topic    LowCardinality(String),
    source_partition Int32,
    source_offset   Int64,
    kafka_partition UInt16,
    kafka_offset    UInt64,
    inserted_at     DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (device_id, epoch, seq, code, source_topic, source_partition, source_offset);

-- The network, mirrored from its topic: one row per thing and valid_from.
CREATE TABLE IF NOT EXISTS raw.networks
(
    name        String,
    zone        String,
    valid_from  DateTime64(6, 'UTC'),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (name, valid_from);

CREATE TABLE IF NOT EXISTS raw.stations
(
    station_id   String,
    gantry_id    String,
    road         String,
    direction    String,
    offset_m     UInt32,
    lanes        UInt8,
    limit_kmh    UInt8,
    longitude    Float64,
    latitude     Float64,
    valid_from   DateTime64(6, 'UTC'),
    inserted_at  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (station_id, valid_from);

CREATE TABLE IF NOT EXISTS raw.devices
(
    device_id      String,
    kind           Enum8('counter' = 1, 'speed' = 2, 'toll' = 3),
    station_id     String,
    loop_length_cm UInt32,
    valid_from     DateTime64(6, 'UTC'),
    inserted_at    DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (device_id, valid_from);

CREATE TABLE IF NOT EXISTS raw.tariffs
(
    station_id    String,
    vehicle_class Enum8('car' = 1, 'van' = 2, 'truck' = 3, 'bus' = 4, 'motorcycle' = 5, 'other' = 6),
    from_minute   UInt16,
    to_minute     UInt16,
    charge_cents  UInt32,
    valid_from    DateTime64(6, 'UTC'),
    inserted_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (station_id, vehicle_class, from_minute, valid_from);
