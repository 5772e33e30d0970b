package clickhouselocal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files of Config.Dir.
const (
	configFile = "config.xml"
	usersFile  = "users.xml"
	dataFolder = "data"
	logFolder  = "log"
)

// writeFiles writes what the engine reads at its start.
func writeFiles(c Config) error {
	functions := filepath.Join(dataFolder, "user_defined")
	for _, dir := range []string{c.Dir, filepath.Join(c.Dir, functions), filepath.Join(c.Dir, logFolder)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("clickhouselocal: data folder: %w", err)
		}
	}
	abs, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("clickhouselocal: data folder: %w", err)
	}
	files := map[string]string{
		configFile: strings.NewReplacer("{dir}", abs, "{memory}", fmt.Sprint(c.MemoryBytes), "{cluster}", clusterXML(c)).Replace(configXML),
		usersFile:  usersXML(c.Passwords, len(c.Shards) > 0),
		filepath.Join(functions, "function_file.sql"): noFileSQL,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(c.Dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("clickhouselocal: %w", err)
		}
	}
	return nil
}

// configXML keeps the engine small: two cores are shared with everything
// else, so few background threads, small caches and a log that stays below
// 60 MB. Pool sizes bound merge_tree's two thresholds, or the engine refuses
// to start.
const configXML = `<clickhouse>
  <logger>
    <level>warning</level>
    <log>{dir}/log/clickhouse.log</log>
    <errorlog>{dir}/log/clickhouse.err.log</errorlog>
    <size>10M</size>
    <count>2</count>
    <console>0</console>
  </logger>
  <user_directories>
    <users_xml><path>{dir}/users.xml</path></users_xml>
  </user_directories>
  <access_control_improvements>
    <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
    <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
    <table_engines_require_grant>true</table_engines_require_grant>
    <settings_constraints_replace_previous>true</settings_constraints_replace_previous>
    <!-- enforcement's rows are filtered, nobody else's -->
    <users_without_row_policies_can_read_rows>true</users_without_row_policies_can_read_rows>
  </access_control_improvements>
  <timezone>UTC</timezone>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <max_connections>256</max_connections>{cluster}
  <max_concurrent_queries>64</max_concurrent_queries>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <tables_loader_foreground_pool_size>2</tables_loader_foreground_pool_size>
  <tables_loader_background_pool_size>1</tables_loader_background_pool_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`

// clusterXML names the servers of the cluster to each other.
func clusterXML(c Config) string {
	if len(c.Shards) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n  <remote_servers><%s>\n    <secret>%s</secret>\n", ClusterName, c.ClusterSecret)
	for _, addr := range c.Shards {
		host, port, _ := strings.Cut(addr, ":")
		fmt.Fprintf(&b, "    <shard><replica><host>%s</host><port>%s</port></replica></shard>\n", host, port)
	}
	fmt.Fprintf(&b, "  </%s></remote_servers>", ClusterName)
	return b.String()
}

// UsersXML is the access control of the server: its users with the hashes of the
// given passwords, their grants and limits. It is a whole users.xml.
func UsersXML(passwords map[string]string) string { return usersXML(passwords, false) }

// usersXML is UsersXML, for servers of a cluster if onCluster.
func usersXML(passwords map[string]string, onCluster bool) string {
	var b strings.Builder
	profiles := profilesXML
	if onCluster {
		for _, name := range []string{"default", "writer", "connect", "reader"} {
			profiles = strings.Replace(profiles, "<"+name+">", "<"+name+">"+clusterSettings, 1)
		}
	}
	b.WriteString(profiles)
	b.WriteString("  <users>\n")
	// The engine's own session comes from 127.0.0.1 without a password. What it
	// may do, a neighbour on this machine may do too: open and close ports.
	writeUser(&b, "default", "<password></password>", "default", "127.0.0.1", []string{"GRANT SYSTEM LISTEN ON *.*"})
	for _, u := range Users {
		digest := sha256.Sum256([]byte(passwords[u]))
		password := "<password_sha256_hex>" + hex.EncodeToString(digest[:]) + "</password_sha256_hex>"
		profile := "writer"
		switch u {
		case UserPlanner, UserEnforcement:
			profile = "reader"
		case UserConnect:
			profile = "connect"
		}
		writeUser(&b, u, password, profile, "::/0", grants[u])
	}
	b.WriteString("  </users>\n</clickhouse>\n")
	return b.String()
}

func writeUser(b *strings.Builder, name, password, profile, network string, grants []string) {
	fmt.Fprintf(b, "    <%s>\n      %s\n      <profile>%s</profile>\n      <networks><ip>%s</ip></networks>\n      <grants>\n",
		name, password, profile, network)
	for _, g := range grants {
		fmt.Fprintf(b, "        <query>%s</query>\n", g)
		// On a cluster a shard asks for the same rights on its part.
		if table, ok := strings.CutSuffix(g, " ON raw.readings"); ok {
			fmt.Fprintf(b, "        <query>%s ON raw.readings_local</query>\n", table)
		}
	}
	b.WriteString("      </grants>\n      <databases>\n")
	for _, of := range slices.Sorted(maps.Keys(rowFilters[name])) {
		database, table, _ := strings.Cut(of, ".")
		fmt.Fprintf(b, "        <%s><%s><filter>%s</filter></%[2]s></%[1]s>\n", database, table, rowFilters[name][of])
	}
	fmt.Fprintf(b, "      </databases>\n    </%s>\n", name)
}

// clusterSettings are what each user needs on a cluster; collector/clickhouse
// says why.
const clusterSettings = "<prefer_global_in_and_join>1</prefer_global_in_and_join><distributed_foreground_insert>1</distributed_foreground_insert>"

// profilesXML: readers cannot write and cannot raise their own limits.
const profilesXML = `<clickhouse>
  <profiles>
    <default><constraints>` + noFileSettings + `</constraints></default>
    <writer>
      <async_insert>0</async_insert>
      <join_use_nulls>0</join_use_nulls>
      <constraints>` + noFileSettings + `</constraints>
    </writer>
    <connect>
      <async_insert>0</async_insert>
      <!-- history of more than 100 days in one request is slow, but no error -->
      <throw_on_max_partitions_per_insert_block>0</throw_on_max_partitions_per_insert_block>
      <constraints>` + noFileSettings + `</constraints>
    </connect>
    <reader>
      <readonly>2</readonly>
      <max_memory_usage>1073741824</max_memory_usage>
      <max_execution_time>60</max_execution_time>
      <max_threads>2</max_threads>
      <constraints>` + noFileSettings + `
        <max_memory_usage><max>1073741824</max></max_memory_usage>
        <!-- clickhouse-go asks for its caller's deadline and five seconds more -->
        <max_execution_time><min>1</min><max>300</max></max_execution_time>
        <max_threads><max>4</max></max_threads>
      </constraints>
    </reader>
  </profiles>
`

// rowFilters are conditions on the rows that a user sees, by table.
var rowFilters = map[string]map[string]string{
	// The evidence of a violation is a camera's reading. Plates that a toll
	// gantry read say where people went, not how fast.
	UserEnforcement: {"raw.readings": "kind = 'speed'", "raw.readings_local": "kind = 'speed'"},
}

// grants per user. Raw plates and tags, and the bytes of rejected readings,
// which hold them too, are for enforcement and the collector only. Tokens are
// for those who match them: dbt, and who may see the plate itself; nothing in
// serving or live holds one.
var grants = map[string][]string{
	UserCollector: {
		// Makes, on a cluster, the table that is spread over it, and reads of the
		// other servers what live.pipeline tells.
		"GRANT TABLE ENGINE ON Distributed",
		"GRANT REMOTE ON *.*",
		"GRANT ALL ON raw.*",
		"GRANT ALL ON live.*",
		"GRANT CREATE DATABASE ON staging.*",
		"GRANT CREATE DATABASE ON serving.*",
		"GRANT CREATE DATABASE ON enforcement.*",
		// For collector purge, which finds and erases tokens in what dbt made.
		"GRANT SELECT, ALTER UPDATE, ALTER DELETE ON staging.*",
		"GRANT SELECT, ALTER UPDATE, ALTER DELETE ON serving.*",
		"GRANT SELECT, ALTER UPDATE, ALTER DELETE ON enforcement.*",
		"GRANT SELECT ON system.*",
		"GRANT " + tableEngines,
	},
	UserDBT: {
		"GRANT ALL ON staging.*",
		"GRANT ALL ON serving.*",
		"GRANT ALL ON enforcement.*",
		"REVOKE CREATE DICTIONARY ON staging.*", // its source may be a program to run, see confine.go
		"REVOKE CREATE DICTIONARY ON serving.*",
		"REVOKE CREATE DICTIONARY ON enforcement.*",
		"GRANT SELECT ON raw.*",
		"GRANT SELECT ON live.*",
		"REVOKE SELECT(plate, tag, `plate.size`, `tag.size`) ON raw.readings",
		"REVOKE SELECT(value, `value.size`) ON raw.rejects",
		"REVOKE SELECT ON raw.purges",
		"GRANT SELECT ON system.*",
		// The last message of each kind of error, whoever made it, with what the
		// engine could not parse: naiveBayesClassifier reads any file for that.
		"REVOKE SELECT ON system.errors",
		"REVOKE SELECT ON system.stack_trace", // the engine dies of it at times
		"GRANT SELECT ON information_schema.*",
		"GRANT SELECT ON INFORMATION_SCHEMA.*",
		"GRANT CREATE TEMPORARY TABLE ON *.*",
		"GRANT " + tableEngines,
	},
	UserPlanner: {
		"GRANT SELECT ON serving.*",
		"GRANT SELECT ON live.*",
	},
	UserEnforcement: {
		"GRANT SELECT ON serving.*",
		"GRANT SELECT ON live.*",
		"GRANT SELECT ON enforcement.*",
		// The reading that is the evidence, without what the case does not
		// need: the toll, the persons aboard, the token.
		"GRANT SELECT(device_id, epoch, seq, observed_at, kind, lane, vehicle_class, speed_tenth_kmh, limit_kmh, confidence_percent, plate) ON raw.readings",
	},
	// Not SELECT: a connector's password lies with whoever runs Kafka Connect.
	// What the table is like, connectors ask for.
	UserConnect: {
		"GRANT INSERT, SHOW COLUMNS, SHOW TABLES ON raw.incoming",
		// Of a cluster only: the shards are asked as whoever asked the home.
		"GRANT INSERT ON raw.readings_local",
	},
	UserOperator: {
		"GRANT ALL ON *.* WITH GRANT OPTION",
	},
}
