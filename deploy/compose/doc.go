// Command compose makes what compose.yaml beside it needs and must not stand in
// the tree: passwords, tokens, the plates' key, and ClickHouse's users with the
// hashes of their passwords and the same grants as on the embedded engine.
//
//	go run ./deploy/compose [--state deploy/compose/state]
//
// It makes only what is missing, so that a second run changes nothing.
//
// The files are readable by others, because programs in containers run as
// users of their own; the folder they are in is not.
package main
