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
    toBool(coalesce(
        toUnixTimestamp64Micro(observed_at) > toUnixTimestamp64Milli(received_at) * 1000
        + {{ health_threshold('clock_ahead_max_s') }} * 1e6
        or toUnixTimestamp64Micro(observed_at) < bitShiftRight(epoch, 17) * 86400e6
        - {{ health_threshold('clock_behind_max_s') }} * 1e6,
        false
    )) as is_clock_off,

    -- timestamps
    observed_at,
    received_at,
    inserted_at

from {{ source('raw', 'readings') }}
where kind = 'speed'
settings final = 1, do_not_merge_across_partitions_select_final = 1
