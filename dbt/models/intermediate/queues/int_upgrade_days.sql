{{
    config(
        materialized='table',
        query_settings={'join_use_nulls': 0},
    )
}}

{#- The same workday with one more lane: the queue that is left, in proportion to
    the delay that was measured. -#}

with

{{ threshold('breakdown_wait_s') }} as breakdown_wait_s,

{{ threshold('recovery_wait_s') }} as recovery_wait_s,

queues as (
    select
        queues.link_id as link_id,
        queues.* except (link_id),
        relief.capacity_ratio as capacity_ratio,
        arrayMap(
            x -> if(relief.is_exit and capacity_ratio < relief.lane_ratio, queues.capacity_pce_bin, x) * capacity_ratio,
            queues.discharge_pce
        ) as wider_discharge_pce,
        queues.capacity_pce_bin * capacity_ratio as wider_capacity_pce_bin

    from {{ ref('int_queue_days') }} as queues
    inner join {{ ref('int_lane_relief') }} as relief on queues.link_id = relief.link_id
),

relieved as (
    select
        -- ids
        link_id,

        -- numerics
        active_bin_count,
        missing_bin_count,
        is_demand_censored,
        delay_vehicle_h,
        {{ queue_delay_pce_h('arrivals_pce', 'wider_discharge_pce', 'wider_capacity_pce_bin') }} as wider_pce_h,
        if(
            modelled_pce_h > 0,
            delay_vehicle_h * greatest(0, 1 - wider_pce_h / modelled_pce_h),
            if(capacity_ratio > 1, delay_vehicle_h, 0)
        ) as saved_vehicle_h,

        -- timestamps
        local_date

    from queues
)

select * from relieved
