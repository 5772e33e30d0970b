select
    -- ids
    device_id,
    epoch,
    seq,

    -- numerics
    lane,
    cast(vehicle_class as LowCardinality(String)) as vehicle_class,
    length_cm / 100 as length_m,
    occupied_ms as covered_ms,
    nullIf(headway_ms, 0) as headway_ms,
    toBool(coalesce(
        length_cm * 36 / occupied_ms > {{ var('plausible_speed_max_kmh') }}
        or occupied_ms >= {{ health_threshold('counter_covered_max_ms') }}
        or headway_ms between 1 and {{ health_threshold('counter_headway_min_ms') }} - 1
        or length_cm / 100 > multiIf(
            vehicle_class = 'car', {{ health_threshold('car_length_max_m') }},
            vehicle_class = 'van', {{ health_threshold('van_length_max_m') }},
            vehicle_class = 'motorcycle', {{ health_threshold('motorcycle_length_max_m') }},
            1e3
        )
        or (
            vehicle_class in ('truck', 'bus')
            and length_cm / 100 < {{ health_threshold('heavy_length_min_m') }}
        ),
        false
    )) as is_implausible,
    {{ is_clock_off() }} as is_clock_off,

    -- timestamps
    observed_at,
    received_at,
    inserted_at

from {{ source('raw', 'readings') }}
where kind = 'counter'
settings final = 1, do_not_merge_across_partitions_select_final = 1
