{#-
    Adds a run of dbt to dbt_runs when it ends, so that who looks at the data
    sees how they were made, wherever dbt runs. Before the table is there, and
    for a command that makes nothing, it does nothing.
-#}
{% macro record_run(results) -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test', 'seed'] -%}
        {%- set model = graph.nodes['model.gantry.dbt_runs'] -%}
        {%- set table = adapter.get_relation(database='', schema=model.schema, identifier=model.alias) -%}
        {%- if table is not none -%}
            {{ run_row(table, results) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The statement that adds the row. At most 100 failures are kept, a line of
    each; a test that passed or a model that was made is only counted. -#}
{% macro run_row(table, results) -%}
    {%- set passed = results | selectattr('status', 'in', ['success', 'pass', 'no-op']) | list | length -%}
    {%- set warned = results | selectattr('status', 'eq', 'warn') | list | length -%}
    {%- set failed = results | selectattr('status', 'in', ['error', 'fail', 'runtime error']) | list | length -%}
    {%- set skipped = results | selectattr('status', 'in', ['skipped', 'partial success']) | list | length -%}
    {%- set failures = [] -%}
    {%- for result in (results | rejectattr('status', 'in', ['success', 'pass', 'no-op']) | list)[:100] -%}
        {%- set told = (result.message or '').strip().split('\n')[0][:300] -%}
        {%- set words = [] -%}
        {%- for word in [result.node.name, result.node.resource_type, result.status, told] -%}
            {%- do words.append("'" ~ (word | string).replace('\\', '\\\\').replace("'", "\\'") ~ "'") -%}
        {%- endfor -%}
        {%- do failures.append('(' ~ words | join(', ') ~ ')') -%}
    {%- endfor -%}
    insert into {{ table }} values (
        '{{ invocation_id }}', '{{ flags.WHICH }}', {{ passed }}, {{ warned }}, {{ failed }}, {{ skipped }},
        [{{ failures | join(', ') }}], toDateTime('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}', 'UTC'), now('UTC')
    )
{%- endmacro %}
