// Package clickhouselocal runs the real ClickHouse engine from a shared
// library, as a server of its own process, so that a clone needs no
// installation. Launcher and tests use it; no production program does.
//
// Order of operations:
//
//  1. Ensure finds the library in the user's cache, or downloads it there
//     once, verified against a digest pinned in this package.
//  2. Start writes config.xml and users.xml into the data folder, starts this
//     same executable again with a marker in its environment, and waits until
//     both ports answer.
//  3. In the child, Main sees the marker, opens the library and never returns.
//
// Invariants:
//
//   - Two processes may call Ensure at once: one downloads, the other waits.
//     The library appears under its final name only complete and verified.
//   - The server dies with the process that started it.
//   - Passwords stand nowhere on disk: users.xml holds their SHA-256.
//   - The engine's own session user (default) has no password, may open and
//     close ports and nothing else, and is refused from other machines.
//
// It does not replicate (Replicated*MergeTree, ON CLUSTER) and it cannot
// create users by SQL: all of them are in users.xml.
package clickhouselocal
