{{
    config(
        materialized='table',
        order_by=['device_id', 'day'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

devices as (
    select * from {{ ref('int_device_day') }}
),

sections as (
    select * from {{ ref('int_section_day') }}
),

-- What readers of a kind leave unidentified, or see axled oddly, all told.
readers as (
    select
        kind,
        day,
        medianExact(unidentified_count / reading_count) as unidentified_share,
        medianExact(odd_axles_count / reading_count) as odd_axles_share

    from devices
    where reading_count > 0
    group by kind, day
),

epochs as (
    select
        device_id,
        day,
        sum(reject_count) as reject_count,
        sum(coalesce(last_seq, 0)) as emitted_count,
        sumOrNull(lost_count) as lost_count,
        countIf(last_seq is null) as open_epoch_count,
        max(last_seq = 0) as has_empty_epoch

    from {{ ref('int_device_epoch') }}
    group by device_id, day
),

-- Where two or more agree they tell what to expect; else the device's past
-- does, else the other that stands there.
compared as (
    select
        devices.device_id as device_id,
        devices.kind as kind,
        devices.station_id as station_id,
        devices.section_id as section_id,
        devices.day as day,
        toInt64(devices.reading_count) as received_count,
        multiIf(
            sections.agreeing_count >= 2, sections.passage_count,
            devices.usual_count > 0, toUInt64(devices.usual_count),
            sections.passage_count
        ) as expected_count,
        not sections.is_undisputed and sections.passage_count = 0
        and received_count >= {{ health_threshold('expected_min_readings') }} as is_doubtful,
        sections.agreeing_count as agreeing_count,
        sections.device_count as device_count,
        sections.passage_count as passage_count,
        expected_count >= {{ health_threshold('expected_min_readings') }} as is_judged,
        devices.repeated_share as repeated_share,
        devices.implausible_count / greatest(received_count, 1) as implausible_share,
        devices.late_count as late_count,
        devices.gap_bin_count as gap_bin_count,
        -- a section of which nobody reported has no shares at all
        arraySum(
            (mine, ours) -> abs(mine - ours) / 2,
            devices.class_shares,
            arrayResize(sections.class_shares, length(devices.class_shares))
        ) as class_drift_share,
        if(abs(devices.live_ahead_s) > abs(devices.edge_ahead_s), devices.live_ahead_s, devices.edge_ahead_s)
            as clock_ahead_s,
        abs(devices.live_ahead_s) > {{ health_threshold('clock_live_max_s') }}
        or devices.edge_ahead_s > {{ health_threshold('clock_live_max_s') }}
        or devices.edge_ahead_s < -{{ health_threshold('clock_edge_max_s') }} as is_clock_off,
        greatest(
            devices.unidentified_count / greatest(received_count, 1) - readers.unidentified_share,
            devices.odd_axles_count / greatest(received_count, 1) - readers.odd_axles_share
        ) as misread_share,
        epochs.reject_count as reject_count,
        epochs.emitted_count as emitted_count,
        epochs.lost_count as lost_count,
        epochs.open_epoch_count as open_epoch_count,
        epochs.has_empty_epoch as has_empty_epoch

    from devices
    left join sections
        on devices.section_id = sections.section_id and devices.day = sections.day
    left join readers
        on devices.kind = readers.kind and devices.day = readers.day
    left join epochs
        on devices.device_id = epochs.device_id and devices.day = epochs.day
),

-- The first failing check wins.
judged as (
    select
        *,
        multiIf(
            received_count = 0 and has_empty_epoch, 'constant_zero',
            received_count = 0, 'no_data',
            is_judged and received_count <= {{ health_threshold('insufficient_max_share') }} * expected_count, 'insufficient',
            repeated_share > {{ health_threshold('stuck_max_share') }}, 'stuck',
            implausible_share > {{ health_threshold('implausible_max_share') }}, 'implausible',
            gap_bin_count >= {{ health_threshold('intermittent_min_bins') }}, 'intermittent',
            is_doubtful or is_judged and device_count > 1
            and abs(received_count - toInt64(passage_count))
            > {{ health_threshold('neighbours_max_share') }} * passage_count + {{ health_threshold('neighbours_stock_veh') }},
            'neighbours_disagree',
            is_judged and device_count > 2
            and class_drift_share > {{ health_threshold('class_drift_max_share') }}
            + {{ health_threshold('class_drift_noise') }} / sqrt(received_count),
            'class_drift',
            is_clock_off, 'clock',
            is_judged and misread_share > {{ health_threshold('misread_max_share') }}
            + {{ health_threshold('misread_noise') }} / sqrt(received_count), 'misread',
            'healthy'
        ) as state

    from compared
)

select * from judged
