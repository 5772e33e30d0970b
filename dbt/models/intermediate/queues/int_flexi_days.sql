{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- The same workday when a share of those who set out in a peak's window goes
    earlier in its first half and later in its second: by half an hour, for
    variable hours move departures by 30 to 60 minutes (NCHRP 20-05 Topic 09-06). -#}
{%- set bin_min = var('bin_s') // 60 %}
{%- set move_bins = 1800 // var('bin_s') %}

{#- Percent of the departures that move: the curve a planner may look at. -#}
{%- set percents = [2, 5, 10, 15, 20, 30] %}

with

{{ threshold('breakdown_wait_s') }} as breakdown_wait_s,

{{ threshold('recovery_wait_s') }} as recovery_wait_s,

queues as (
    select
        queues.road as road,
        queues.direction as direction,
        queues.* except (road, direction),
        windows.peak as peak,
        arrayJoin({{ percents }}) as shift_percent,
        shift_percent / 100 as shift_share,
        windows.window_from_minute + windows.way_min as from_minute,
        windows.window_to_minute + windows.way_min as to_minute,
        (from_minute + to_minute) / 2 as middle_minute,
        arrayMap(
            (m, a) -> if(m >= from_minute and m < middle_minute, a * shift_share, 0.), minutes, arrivals_pce
        ) as earlier_pce,
        arrayMap(
            (m, a) -> if(m >= middle_minute and m < to_minute, a * shift_share, 0.), minutes, arrivals_pce
        ) as later_pce,
        arrayMap(
            (a, less_e, less_l, more_e, more_l) -> a - less_e - less_l + more_e + more_l,
            arrivals_pce, earlier_pce, later_pce, {{ moved('earlier_pce', -move_bins) }}, {{ moved('later_pce', move_bins) }}
        ) as shifted_pce

    from {{ ref('int_queue_days') }} as queues
    inner join {{ ref('int_peak_windows') }} as windows
        on queues.road = windows.road
            and queues.direction = windows.direction
),

shifted as (
    select
        -- ids
        link_id,
        road,
        direction,
        peak,

        -- numerics
        toUInt8(shift_percent) as shift_percent,
        active_bin_count,
        missing_bin_count,
        is_demand_censored,
        (modelled_pce_h - {{ queue_delay_pce_h('shifted_pce', 'discharge_pce', 'capacity_pce_bin') }})
        * vehicles_per_pce * believed_share as saved_vehicle_h,

        -- timestamps
        local_date

    from queues
)

select * from shifted
