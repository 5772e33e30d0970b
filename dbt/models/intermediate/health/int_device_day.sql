{{
    config(
        materialized='table',
        order_by=['device_id', 'day'],
        query_settings={'join_use_nulls': 0},
    )
}}

{%- set classes = ['car', 'van', 'truck', 'bus', 'motorcycle', 'other'] %}

with

-- A device may run several epochs in an hour.
hours as (
    select
        device_id,
        hour_start,
        sum(reading_count) as reading_count,
        sum(distinct_count) as distinct_count,
        sum(implausible_count) as implausible_count,
        sum(clock_off_count) as clock_off_count,
        sum(late_count) as late_count,
        sum(unidentified_count) as unidentified_count,
        sum(odd_axles_count) as odd_axles_count,
        {%- for class in classes %}
        sum({{ class }}_count) as {{ class }}_count,
        {%- endfor %}
        groupBitOr(busy_bins) as busy_bins,
        min(min_delay_ms) as min_delay_ms

    from {{ ref('int_device_hour') }}
    group by device_id, hour_start
),

-- Days on which the network reported in earnest: not the one that a clock or a
-- late reading strays into, nor today's first minutes.
days as (
    select day
    from (
        select toDate(hour_start) as day, sum(reading_count) as reading_count
        from hours
        group by day
    )
    where reading_count >= {{ health_threshold('network_day_min_share') }}
        * (select max(n) from (select sum(reading_count) as n from hours group by toDate(hour_start)))
),

devices as (
    select
        versions.device_id as device_id,
        any(versions.kind) as kind,
        least(
            min(toDate(versions.valid_from)),
            min(if(seen.device_id = '', toDate('2149-01-01'), seen.first_day))
        ) as first_day

    from {{ ref('stg_devices') }} as versions
    left join (
        select device_id, toDate(min(hour_start)) as first_day
        from hours
        group by device_id
    ) as seen
        on versions.device_id = seen.device_id
    group by device_id
),

homes as (
    select
        devices.device_id as device_id,
        devices.kind as kind,
        days.day as day,
        versions.station_id as station_id,
        if(sections.station_id = '', versions.station_id, sections.section_id) as section_id

    from devices
    cross join days
    left asof join {{ ref('int_device_versions') }} as versions
        on devices.device_id = versions.device_id
            and toDateTime64(days.day, 6, 'UTC') + toIntervalHour(12) >= versions.valid_from
    left join {{ ref('int_station_sections') }} as sections
        on versions.station_id = sections.station_id
    where days.day >= devices.first_day
),

-- Every hour of every device, silent ones too, beside what the section has.
marked as (
    select
        homes.device_id as device_id,
        homes.day as day,
        homes.section_id as section_id,
        toDateTime(homes.day, 'UTC') + toIntervalHour(hour) as hour_start,
        hours.reading_count as reading_count,
        arrayMap(
            bin -> toUInt16(bitTest(hours.busy_bins, bin)), range(12)
        ) as busy

    from (select *, arrayJoin(range(24)) as hour from homes) as homes
    left join hours
        on homes.device_id = hours.device_id
            and toDateTime(homes.day, 'UTC') + toIntervalHour(homes.hour) = hours.hour_start
),

sections as (
    select
        section_id,
        hour_start,
        count() as device_count,
        sumForEach(busy) as busy_devices,
        quantileExact(0.5)(reading_count) as median_count

    from marked
    group by section_id, hour_start
),

-- A gap is a bin in which a device is silent while most others of the section
-- are not, in an hour in which a bin is not empty by chance.
gaps as (
    select
        marked.device_id as device_id,
        marked.day as day,
        sum(arrayCount(
            (mine, ours) -> mine = 0 and ours * 2 > sections.device_count - 1,
            marked.busy,
            sections.busy_devices
        )) as gap_bin_count

    from marked
    inner join sections
        on marked.section_id = sections.section_id
            and marked.hour_start = sections.hour_start
    where sections.median_count >= 12 * {{ health_threshold('gap_own_min_veh_per_bin') }}
        and sections.device_count > 1
    group by device_id, day
),

-- The quickest reading of an hour tells the clock, while the network is live.
clocks as (
    select
        device_id,
        toDate(hours.hour_start) as day,
        median(network.min_delay_ms - hours.min_delay_ms) / 1e3 as live_ahead_s

    from hours
    inner join (
        select hour_start, median(min_delay_ms) as min_delay_ms
        from hours
        group by hour_start
        having min_delay_ms < 1e3 * {{ health_threshold('live_delay_max_s') }}
    ) as network
        on hours.hour_start = network.hour_start
    group by device_id, day
),

-- Epochs are of one UTC day by the time of emission. A clock ahead stamps
-- passages after its end; one behind stamps passages before its begin, and
-- none shortly before its end, which tells it from readings held back. That
-- takes a day that is over.
edges as (
    select
        device_id,
        toDate(bitShiftRight(epoch, 17)) as day,
        dateDiff('second', min(first_observed_at), toDateTime64(day, 6, 'UTC')) as before_begin_s,
        dateDiff('second', toDateTime64(day + 1, 6, 'UTC'), max(last_observed_at)) as after_end_s,
        medianExact(after_end_s) over (partition by day)
        > -{{ health_threshold('live_delay_max_s') }} as is_over

    from {{ ref('int_device_hour') }}
    group by device_id, day
),

measured as (
    select
        device_id,
        toDate(hour_start) as day,
        sum(hours.reading_count) as reading_count,
        max(if(
            hours.reading_count >= {{ health_threshold('stuck_min_readings') }},
            (hours.reading_count - hours.distinct_count) / hours.reading_count,
            0
        )) as repeated_share,
        sum(hours.implausible_count) as implausible_count,
        sum(hours.clock_off_count) as clock_off_count,
        sum(hours.late_count) as late_count,
        sum(hours.unidentified_count) as unidentified_count,
        sum(hours.odd_axles_count) as odd_axles_count,
        [
            {%- for class in classes %}
            sum(hours.{{ class }}_count){{ ',' if not loop.last }}
            {%- endfor %}
        ] as class_counts

    from hours
    group by device_id, day
),

-- What the device reported on the same weekdays of the four weeks before, in
-- the proportion in which the whole network differs from those.
earlier as (
    select
        measured.device_id as device_id,
        measured.day as day,
        any(measured.reading_count) as reading_count,
        quantileExact(0.5)(past.reading_count) as past_count

    from measured
    inner join (
        select device_id, reading_count, arrayJoin([day + 7, day + 14, day + 21, day + 28]) as day
        from measured
    ) as past
        on measured.device_id = past.device_id and measured.day = past.day
    group by device_id, day
),

changes as (
    select day, quantileExact(0.5)(reading_count / past_count) as factor
    from earlier
    group by day
),

daily as (
    select
        -- ids
        homes.device_id as device_id,
        homes.kind as kind,
        homes.station_id as station_id,
        homes.section_id as section_id,

        -- numerics
        homes.day as day,
        measured.reading_count as reading_count,
        measured.repeated_share as repeated_share,
        measured.implausible_count as implausible_count,
        measured.clock_off_count as clock_off_count,
        measured.late_count as late_count,
        measured.unidentified_count as unidentified_count,
        measured.odd_axles_count as odd_axles_count,
        if(empty(measured.class_counts), arrayWithConstant({{ classes | length }}, toUInt64(0)), measured.class_counts)
            as class_counts,
        arrayMap(n -> n / greatest(measured.reading_count, 1), class_counts) as class_shares,
        gaps.gap_bin_count as gap_bin_count,
        round(earlier.past_count * changes.factor) as usual_count,
        multiIf(
            edges.after_end_s > 0, edges.after_end_s,
            edges.is_over and edges.before_begin_s > 0 and edges.after_end_s < 0,
            -least(edges.before_begin_s, -edges.after_end_s),
            0
        ) as edge_ahead_s,
        clocks.live_ahead_s as live_ahead_s

    from homes
    left join measured
        on homes.device_id = measured.device_id and homes.day = measured.day
    left join gaps
        on homes.device_id = gaps.device_id and homes.day = gaps.day
    left join edges
        on homes.device_id = edges.device_id and homes.day = edges.day
    left join clocks
        on homes.device_id = clocks.device_id and homes.day = clocks.day
    left join earlier
        on homes.device_id = earlier.device_id and homes.day = earlier.day
    left join changes
        on homes.day = changes.day
)

select * from daily
