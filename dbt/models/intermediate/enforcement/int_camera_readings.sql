with

readings as (
    select * from {{ ref('stg_speed_readings') }}
),

devices as (
    select * from {{ ref('int_device_versions') }}
),

stations as (
    select * from {{ ref('int_station_versions') }}
),

placed as (
    select
        -- ids
        readings.device_id as device_id,
        readings.epoch as epoch,
        readings.seq as seq,
        readings.plate_token as plate_token,
        readings.plate_key_id as plate_key_id,
        devices.station_id as station_id,
        stations.road as road,
        stations.direction as direction,

        -- numerics
        stations.offset_m as offset_m,
        readings.lane as lane,
        readings.vehicle_class as vehicle_class,
        toUInt32(round(readings.speed_kmh * 1000)) as speed_m_h,
        readings.limit_kmh as limit_kmh,
        readings.confidence_percent as confidence_percent,
        readings.is_implausible as is_implausible,
        readings.is_clock_off as is_clock_off,

        -- timestamps
        readings.observed_at as observed_at

    from readings
    left asof join devices
        on readings.device_id = devices.device_id
            and readings.observed_at >= devices.valid_from
    left asof join stations
        on devices.station_id = stations.station_id
            and readings.observed_at >= stations.valid_from
)

select * from placed
settings join_use_nulls = 0
