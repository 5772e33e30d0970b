{{
    config(
        order_by=['day', 'device_id'],
    )
}}

with

health as (
    select
        *,
        concat(toString(received_count), ' readings of ', toString(expected_count), ' expected') as tally
    from {{ ref('int_device_health') }}
),

described as (
    select
        -- ids
        device_id,
        cast(kind as LowCardinality(String)) as kind,
        station_id,
        section_id,

        -- numerics
        day,
        cast(state as LowCardinality(String)) as state,
        multiIf(
            state = 'no_data', 'nothing was heard of it all day',
            state = 'constant_zero', 'it says that nobody passed all day',
            state = 'insufficient', tally,
            state = 'stuck', concat(toString(round(100 * repeated_share)), ' % of an hour repeat a measurement'),
            state = 'implausible', concat(toString(round(100 * implausible_share, 1)), ' % cannot be'),
            state = 'intermittent', concat(toString(gap_bin_count * 5), ' min silent while others were not'),
            state = 'neighbours_disagree' and agreeing_count < 2,
            concat(tally, ', and nobody can tell who is right'),
            state = 'neighbours_disagree',
            concat(tally, ' by ', toString(agreeing_count), ' devices of the section that agree'),
            state = 'class_drift',
            concat(toString(round(100 * class_drift_share, 1)), ' % in another class than the section says'),
            state = 'clock', concat('clock is ', toString(round(clock_ahead_s)), ' s ahead'),
            state = 'misread', concat(toString(round(100 * misread_share, 1)), ' % more misread than is usual'),
            ''
        ) as detail,
        toUInt64(expected_count) as expected_count,
        toUInt64(received_count) as received_count,
        toUInt16(agreeing_count) as agreeing_count,
        repeated_share,
        implausible_share,
        toUInt16(gap_bin_count) as gap_bin_count,
        class_drift_share,
        toFloat64(clock_ahead_s) as clock_ahead_s,
        misread_share,
        toUInt64(late_count) as late_count,
        toUInt64(reject_count) as reject_count,
        cast(lost_count as Nullable(Int64)) as lost_count,
        if(emitted_count > 0, 1 - lost_count / emitted_count, null) as completeness,
        toUInt16(open_epoch_count) as open_epoch_count

    from health
)

select * from described
