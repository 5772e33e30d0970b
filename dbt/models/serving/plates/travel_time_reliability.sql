{{
    config(
        materialized='table',
        order_by=['from_station_id', 'period'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set bin_min = plate_limit('reliability_bin_min') %}

with

bins as (
    select * from {{ ref('travel_time_5m') }}
    where match_count > 0
),

periods as (
    select * from {{ ref('reliability_periods') }}
),

-- Mean travel times of quarters of an hour, as the rule wants them.
quarters as (
    select
        from_station_id,
        to_station_id,
        road,
        direction,
        local_date,
        intDiv(local_minute, {{ bin_min }}) * {{ bin_min }} as minute,
        any(bins.length_m) as length_m,
        sum(bins.match_count) as match_count,
        sum(bins.sum_travel_ms) / 1000 as sum_travel_s,
        sum_travel_s / match_count as mean_s

    from bins
    group by from_station_id, to_station_id, road, direction, local_date, minute
),

placed as (
    select
        quarters.*,
        periods.period as period,
        periods.role as role

    from quarters
    inner join periods
        on periods.days = if(toDayOfWeek(quarters.local_date) > 5, 'weekend', 'weekday')
    where quarters.minute >= periods.from_minute
        and quarters.minute < periods.to_minute
),

free_flow as (
    select
        from_station_id,
        quantileExactLow({{ threshold('free_flow_percentile', 'plate_thresholds') }})(mean_s) as free_flow_s

    from placed
    where role = 'free_flow'
    group by from_station_id
),

measured as (
    select
        from_station_id,
        to_station_id,
        road,
        direction,
        period,
        any(placed.length_m) as length_m,
        uniqExact(placed.local_date) as day_count,
        count() as bin_count,
        sum(placed.match_count) as match_count,
        sum(sum_travel_s) / match_count as mean_travel_s,
        arraySort(groupArray(mean_s)) as means

    from placed
    where role = 'reliability'
    group by from_station_id, to_station_id, road, direction, period
),

percentiles as (
    select
        *,
        means[toUInt32(ceil(0.5 * bin_count))] as p50_travel_s,
        means[toUInt32(ceil(0.8 * bin_count - 1e-9))] as p80_travel_s,
        means[toUInt32(ceil(0.95 * bin_count - 1e-9))] as p95_travel_s

    from measured
),

derived as (
    select
        -- ids
        percentiles.from_station_id as from_station_id,
        percentiles.to_station_id as to_station_id,
        percentiles.road as road,
        percentiles.direction as direction,
        cast(percentiles.period as LowCardinality(String)) as period,

        -- numerics
        percentiles.length_m as length_m,
        percentiles.day_count as day_count,
        percentiles.bin_count as bin_count,
        percentiles.match_count as match_count,
        if(free_flow.free_flow_s > 0, free_flow.free_flow_s, null) as free_flow_travel_s,
        mean_travel_s,
        p50_travel_s,
        p80_travel_s,
        p95_travel_s,
        round(p80_travel_s / p50_travel_s, 2) as lottr,
        p95_travel_s / free_flow_travel_s as planning_time_index,
        mean_travel_s / free_flow_travel_s as travel_time_index,
        (p95_travel_s - mean_travel_s) / mean_travel_s as buffer_index,
        cast(if(
            day_count >= {{ threshold('reliability_min_days', 'plate_thresholds') }},
            lottr < {{ threshold('lottr_reliable_below', 'plate_thresholds') }},
            null
        ) as Nullable(Bool)) as is_reliable

    from percentiles
    left join free_flow
        on percentiles.from_station_id = free_flow.from_station_id
)

select * from derived
