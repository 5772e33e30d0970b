package world

import "embed"

//go:embed shipped/*.schema.json
var schemas embed.FS

// Schema is the JSON Schema (draft 2020-12) of a kind of file: "network",
// "scenario" or "interventions". It describes each field; what concerns
// several at once is checked by New alone.
func Schema(kind string) ([]byte, bool) {
	b, err := schemas.ReadFile("shipped/" + kind + ".schema.json")
	return b, err == nil
}
