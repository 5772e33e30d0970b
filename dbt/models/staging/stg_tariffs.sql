select
    -- ids
    station_id,
    cast(vehicle_class as LowCardinality(String)) as vehicle_class,

    -- numerics
    from_minute,
    to_minute,
    charge_cents,

    -- timestamps
    valid_from

from {{ source('raw', 'tariffs') }}
settings final = 1
