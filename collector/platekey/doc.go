// Package platekey turns plates and tags, which are personal data, into tokens:
// ingest does for JSON topics, the sink for ClickHouse, purge to find a vehicle
// again. All that know the key give the same token, and no text of this package
// holds a plate, a tag or a key.
//
// It knows no more: who may see a token is for the grants of ClickHouse, and
// what is forgotten for purge.
package platekey
