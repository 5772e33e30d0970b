{#-
    Ratios of station facts at any grain, derived from the grain's own sums and
    never averaged. Each is NULL where nothing was measured. A rate divides by
    the bins that were measured, so that neither a gap nor a day of 23 hours
    lowers it.
-#}
{% macro station_ratios() -%}
    if(
        measured_bin_count > 0,
        measured_vehicle_count / measured_bin_count * {{ 3600 // var('bin_s') }},
        null
    ) as flow_veh_h,
    if(speed_count > 0, sum_speed_kmh / speed_count, null) as time_mean_speed_kmh,
    if(speed_count > 0, speed_count / sum_pace_h_km, null) as space_mean_speed_kmh,
    multiIf(
        density_lane_h = 0, null,
        density_pce_count = 0, 0,
        density_speed_count = 0, null,
        density_pce_count / density_lane_h * density_sum_pace_h_km / density_speed_count
    ) as density_est_pc_km,
    {{ level_of_service('density_est_pc_km') }} as los,
    if(measured_vehicle_count > 0, measured_heavy_count / measured_vehicle_count, null) as heavy_share,
    if(
        measured_vehicle_count > 0 and person_count > 0,
        person_count / measured_vehicle_count,
        null
    ) as persons_per_vehicle
{%- endmacro %}

{#- Level of service by density in passenger cars per km and lane: the first
    whose largest density is not exceeded, F above them all. -#}
{% macro level_of_service(density) -%}
    cast(
        if(
            {{ density }} is null,
            null,
            coalesce(
                arrayFirstOrNull(
                    los -> {{ density }} <= los.1,
                    (
                        select arraySort(groupArray((density_max_pc_km, los)))
                        from {{ ref('los_density') }}
                    )
                ).2,
                'F'
            )
        ) as LowCardinality(Nullable(String))
    )
{%- endmacro %}
