{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- One bottleneck, one workday, as arrays by bin: what left it, and what would
    have arrived had nothing held it up, which is what left, each vehicle earlier
    by its own delay. Flow inside a queue is discharge and not demand. -#}
{%- set bins_per_h = 3600 / var('bin_s') %}

with

{{ threshold('queue_standing_s') }} as standing_s,

{{ threshold('breakdown_wait_s') }} as breakdown_wait_s,

{{ threshold('recovery_wait_s') }} as recovery_wait_s,

{{ threshold('capacity_drop_share') }} as capacity_drop_share,

days as (
    select local_date
    from {{ ref('int_evaluation_days') }}
    where is_workday
),

-- Of the pairs of stations that place a queue at the same link, the one that
-- did so most often.
sites as (
    select
        link_id,
        argMax(down_station_id, active_count) as down_station_id,
        argMax(road, active_count) as road,
        argMax(direction, active_count) as direction,
        argMax(lane_count, active_count) as lane_count,
        argMax(down_offset_m, active_count) as down_offset_m,
        argMax(up_offset_m, active_count) as up_offset_m

    from (
        select
            link_id,
            down_station_id,
            any(road) as road,
            any(direction) as direction,
            any(lane_count) as lane_count,
            any(down_offset_m) as down_offset_m,
            any(up_offset_m) as up_offset_m,
            countIf(is_active) as active_count

        from {{ ref('int_bottleneck_5m') }}
        group by link_id, down_station_id
    )
    group by link_id
),

bins as (
    select
        sites.link_id as link_id,
        bins.local_date as local_date,
        bins.bin_start as bin_start,
        bins.local_minute as local_minute,
        cast(bins.count_state as String) = 'measured' as is_counted,
        bins.vehicle_count as vehicle_count,
        bins.pce_count as pce_count,
        queues.bin_start = bins.bin_start and queues.is_active as is_active,
        queues.excess_pce as excess_pce,
        queues.delay_vehicle_h as delay_vehicle_h,
        is_active and not queues.is_measured as is_unmeasured,
        queues.reaches_begin as reaches_begin

    from sites
    inner join {{ ref('int_station_5m') }} as bins on sites.down_station_id = bins.station_id
    inner join days on bins.local_date = days.local_date
    left join {{ ref('int_queue_5m') }} as queues
        on sites.link_id = queues.link_id
            and sites.down_station_id = queues.down_station_id
            and bins.bin_start = queues.bin_start
),

grouped as (
    select
        link_id,
        local_date,
        groupArray((bin_start, local_minute, toFloat64(bins.pce_count), bins.excess_pce)) as bins_of_day,
        countIf(is_active) as active_bin_count,
        if(
            countIf(is_counted) = 0, count(), countIf(is_active and not is_counted or is_unmeasured)
        ) as missing_bin_count,
        sum(vehicle_count) as vehicles,
        sum(delay_vehicle_h) as delay_h,
        max(is_active and reaches_begin) as is_demand_censored,
        sumIf(vehicle_count, is_active) / sumIf(bins.pce_count, is_active) as vehicles_per_pce

    from bins
    group by link_id, local_date
),

arrays as (
    select
        grouped.* except (bins_of_day, vehicles, delay_h),
        vehicles as vehicle_count,
        delay_h as delay_vehicle_h,
        arrayMap(x -> x.2, arraySort(bins_of_day)) as minutes,
        arrayMap(x -> x.3, arraySort(bins_of_day)) as departures_pce,
        arrayMap(x -> x.4, arraySort(bins_of_day)) as excess_pce

    from grouped
),

standing as (
    select
        arrays.link_id as link_id,
        arrays.* except (link_id),
        sites.down_station_id as down_station_id,
        sites.road as road,
        sites.direction as direction,
        sites.lane_count as lane_count,
        sites.down_offset_m as down_offset_m,
        sites.up_offset_m as up_offset_m,
        reference.peak_pce_h_lane as peak_pce_h_lane,
        reference.free_speed_kmh as free_speed_kmh,
        reference.peak_pce_h_lane * sites.lane_count / {{ bins_per_h }} as peak_pce_bin,
        arrayMap(
            (q, before) -> least(q, before) / peak_pce_bin * {{ var('bin_s') }} > standing_s,
            excess_pce, {{ moved('excess_pce', 1) }}
        ) as is_standing

    from arrays
    inner join sites on arrays.link_id = sites.link_id
    inner join {{ ref('int_station_reference') }} as reference on sites.down_station_id = reference.station_id
),

discharging as (
    select
        *,
        sum(arraySum((n, s) -> n * s, departures_pce, is_standing)) over (partition by link_id)
        / sum(arraySum(is_standing)) over (partition by link_id) as mean_discharge_pce_bin

    from standing
),

-- Who left in the middle of a bin, waited and would have been there earlier:
-- vehicles keep their order, so as many had left then as would have arrived.
undelayed as (
    select
        *,
        arrayMap(
            (n, q, i) -> i - 0.5 - if(n > 0, least(q / n, i - 0.5), 0),
            departures_pce, excess_pce, arrayEnumerate(departures_pce)
        ) as free_bins,
        arrayMap(i -> arrayMax(arraySlice(free_bins, 1, i)), arrayEnumerate(free_bins)) as ordered_free_bins,
        arrayMap((sum_pce, n) -> sum_pce - n / 2, arrayCumSum(departures_pce), departures_pce) as left_pce

    from discharging
),

arrived as (
    select
        *,
        arrayMap(
            b -> {{ interpolated('b', 'ordered_free_bins', 'left_pce', 'arraySum(departures_pce)') }},
            arrayEnumerate(departures_pce)
        ) as arrived_pce,
        arraySlice(arrayDifference(arrayConcat([0.], arrived_pce)), 2) as arrivals_pce

    from undelayed
),

demands as (
    select
        -- ids
        link_id,
        down_station_id,
        road,
        direction,

        -- numerics
        lane_count,
        up_offset_m,
        down_offset_m,
        free_speed_kmh,
        vehicle_count,
        active_bin_count,
        missing_bin_count,
        delay_vehicle_h,
        is_demand_censored,
        if(isFinite(vehicles_per_pce), vehicles_per_pce, 1) as vehicles_per_pce,
        minutes,
        departures_pce,
        excess_pce,
        if(isFinite(mean_discharge_pce_bin), mean_discharge_pce_bin, peak_pce_bin) as discharge_pce_bin,
        -- a breakdown cuts the quarter of an hour short that a peak is measured over
        greatest(
            peak_pce_bin, if(isFinite(mean_discharge_pce_bin), mean_discharge_pce_bin / (1 - capacity_drop_share), 0)
        ) as capacity_pce_bin,
        arrivals_pce,
        arrayMap((n, s) -> if(s, n, greatest(n, discharge_pce_bin)), departures_pce, is_standing) as discharge_pce,
        {{ queue_delay_pce_h('arrivals_pce', 'discharge_pce', 'capacity_pce_bin') }} as modelled_pce_h,
        -- what the model makes too much of, it must not give back as a saving
        if(modelled_pce_h > 0, least(1, arraySum(excess_pce) / {{ bins_per_h }} / modelled_pce_h), 0) as believed_share,

        -- timestamps
        local_date

    from arrived
)

select * from demands
