select
    -- ids
    device_id,
    epoch,
    seq,
    nullIf(plate_token, 0) as plate_token,
    plate_key_id,

    -- numerics
    lane,
    cast(vehicle_class as LowCardinality(String)) as vehicle_class,
    speed_tenth_kmh / 10 as speed_kmh,
    limit_kmh,
    confidence_percent,
    toBool(speed_tenth_kmh / 10 > {{ var('plausible_speed_max_kmh') }}) as is_implausible,
    {{ is_clock_off() }} as is_clock_off,

    -- timestamps
    observed_at,
    received_at,
    inserted_at

from {{ source('raw', 'readings') }}
where kind = 'speed'
settings final = 1, do_not_merge_across_partitions_select_final = 1
