{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by='toDate(hour_start)',
        order_by=['device_id', 'epoch', 'hour_start'],
        on_schema_change='fail',
        query_settings={
            'max_partitions_per_insert_block': 0,
            'max_bytes_before_external_group_by': 536870912,
        },
    )
}}

{%- set days = stale_days_of_readings(time_column='hour_start', homeless='false') -%}
{%- set classes = ['car', 'van', 'truck', 'bus', 'motorcycle', 'other'] %}
{%- set common = 'device_id, epoch, seq, vehicle_class, is_implausible, is_clock_off, observed_at, received_at, inserted_at' %}

with

-- What a device measured, in one number: one that hangs repeats it.
readings as (
    select
        {{ common }},
        cityHash64(length_m, covered_ms, coalesce(headway_ms, 0), vehicle_class) as measured,
        toUInt32(round(length_m * 100)) as length_cm,
        toUInt32(0) as speed_tenth_kmh,
        toUInt8(0) as persons,
        false as is_unidentified,
        false as is_axled_oddly

    from {{ ref('stg_counter_readings') }}
    where {{ within_days('observed_at', days) }}

    union all

    select
        {{ common }},
        cityHash64(speed_kmh, coalesce(plate_token, 0), vehicle_class),
        0,
        round(speed_kmh * 10),
        0,
        plate_token is null,
        false

    from {{ ref('stg_speed_readings') }}
    where {{ within_days('observed_at', days) }}

    union all

    select
        {{ common }},
        cityHash64(coalesce(plate_token, 0), axles, persons, vehicle_class),
        0,
        0,
        persons,
        plate_token is null,
        axles > 2 and vehicle_class in ('car', 'van', 'motorcycle')

    from {{ ref('stg_toll_readings') }}
    where {{ within_days('observed_at', days) }}
),

hours as (
    select
        -- ids
        device_id,
        epoch,

        -- numerics
        count() as reading_count,
        uniqExact(measured) as distinct_count,
        countIf(is_implausible) as implausible_count,
        countIf(is_clock_off) as clock_off_count,
        countIf(
            observed_at < received_at - toIntervalSecond({{ health_threshold('late_min_s') }})
        ) as late_count,
        countIf(is_unidentified) as unidentified_count,
        countIf(is_axled_oddly) as odd_axles_count,
        {%- for class in classes %}
        countIf(vehicle_class = '{{ class }}') as {{ class }}_count,
        {%- endfor %}
        sum(length_cm) as sum_length_cm,
        sum(speed_tenth_kmh) as sum_speed_tenth_kmh,
        sum(persons) as sum_persons,
        groupBitOr(bitShiftLeft(toUInt16(1), intDiv(toMinute(observed_at), 5))) as busy_bins,
        min(seq) as first_seq,
        max(seq) as last_seq,
        min(dateDiff('millisecond', observed_at, received_at)) as min_delay_ms,

        -- timestamps
        toStartOfHour(observed_at) as hour_start,
        min(observed_at) as first_observed_at,
        max(observed_at) as last_observed_at,
        max(inserted_at) as last_inserted_at,
        now('UTC') as computed_at

    from readings
    group by device_id, epoch, hour_start
)

select * from hours
