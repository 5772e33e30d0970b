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

    -- timestamps
    observed_at,
    received_at,
    inserted_at

from {{ source('raw', 'readings') }}
where kind = 'counter'
settings final = 1, do_not_merge_across_partitions_select_final = 1
