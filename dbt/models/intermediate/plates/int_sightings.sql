with

devices as (
    select * from {{ ref('int_device_versions') }}
),

camera_sightings as (
    select
        devices.station_id as station_id,
        'camera' as instrument,
        assumeNotNull(readings.plate_token) as plate_token,
        readings.plate_key_id as plate_key_id,
        readings.lane as lane,
        readings.vehicle_class as vehicle_class,
        toUInt8(0) as persons,
        readings.observed_at as observed_at

    from {{ ref('stg_speed_readings') }} as readings
    left asof join devices
        on readings.device_id = devices.device_id
            and readings.observed_at >= devices.valid_from
    where readings.plate_token is not null
        and readings.confidence_percent >= {{ plate_limit('plate_confidence_min') }}
        and not readings.is_clock_off
),

toll_sightings as (
    select
        devices.station_id as station_id,
        'toll' as instrument,
        assumeNotNull(readings.plate_token) as plate_token,
        readings.plate_key_id as plate_key_id,
        readings.lane as lane,
        readings.vehicle_class as vehicle_class,
        readings.persons as persons,
        readings.observed_at as observed_at

    from {{ ref('stg_toll_readings') }} as readings
    left asof join devices
        on readings.device_id = devices.device_id
            and readings.observed_at >= devices.valid_from
    where readings.plate_token is not null
        and not readings.is_clock_off
),

sightings as (
    select * from camera_sightings
    union all
    select * from toll_sightings
)

select
    -- ids
    station_id,
    instrument,
    plate_token,
    plate_key_id,

    -- numerics
    lane,
    vehicle_class,
    persons,

    -- timestamps
    observed_at

from sightings
where station_id != ''
