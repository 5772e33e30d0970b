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
    axles,
    persons,
    charge_cents,
    toBool(coalesce(
        (
            vehicle_class in ('car', 'van', 'motorcycle')
            and axles > {{ health_threshold('light_axles_max') }}
        )
        or (
            vehicle_class in ('car', 'van', 'truck', 'other')
            and persons > {{ health_threshold('light_persons_max') }}
        )
        or (
            vehicle_class = 'motorcycle'
            and persons > {{ health_threshold('motorcycle_persons_max') }}
        ),
        false
    )) as is_implausible,
    {{ is_clock_off() }} as is_clock_off,

    -- timestamps
    observed_at,
    received_at,
    inserted_at

from {{ source('raw', 'readings') }}
where kind = 'toll'
settings final = 1, do_not_merge_across_partitions_select_final = 1
