package clickhouselocal

// The engine believes that who runs it is alone with it. It then checks neither
// rights nor paths where SQL names a file of the machine, be it the key of
// plate tokens, a password or a table's data, and runs the programs that a
// dictionary names. Each of these ways is closed here or among the grants.

// noFileSQL takes the place of the function file(), which reads any file for
// any user. A user's function goes before one of the engine's own, and though
// none may be made by that name, one that lies there at the start is loaded.
const noFileSQL = `CREATE FUNCTION file AS path -> throwIf(toBool(1), 'this server reads no files of its machine')
`

// noFileSettings forbids to name the files that some formats take a template
// or a schema from, or write to.
const noFileSettings = `
        <format_template_resultset><const/></format_template_resultset>
        <format_template_row><const/></format_template_row>
        <format_schema><const/></format_schema>
        <output_format_schema><const/></output_format_schema>
        <input_format_record_errors_file_path><const/></input_format_record_errors_file_path>`

// tableEngines are those that keep rows themselves. Others read files or other
// servers, or another table with the rights of nobody.
const tableEngines = "TABLE ENGINE ON MergeTree, TABLE ENGINE ON ReplacingMergeTree, TABLE ENGINE ON SummingMergeTree, " +
	"TABLE ENGINE ON AggregatingMergeTree, TABLE ENGINE ON Memory, TABLE ENGINE ON Null, " +
	"TABLE ENGINE ON View, TABLE ENGINE ON MaterializedView"
