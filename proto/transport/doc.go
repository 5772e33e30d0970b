// Package transport is TLS as both ends of a stream use it: certificates from
// files, read again when they change, and the name of an agent in its
// certificate. It stands beside the proto because collector and agent, which
// do not import each other, must agree on it, and a device maker with them.
//
// # Order of operations
//
// Open reads the files and fails when they are wrong. After that each
// handshake looks whether they changed, at most once a second; connections
// that are open stay as they are. Whoever dials asks Client for a
// configuration each time, so that new roots count too.
//
// # Invariants
//
//   - What cannot be read, or does not fit together (a certificate that was
//     replaced before its key), leaves the last good state in force and is
//     logged once. No key is ever logged.
//   - TLS 1.2 at least; names and chains are always verified.
//
// grpc-go's pemfile provider was not taken: it looks once an hour unless told,
// says nothing when files are wrong, and writes the private key to the log when
// it does not fit. controller-runtime's certwatcher brings a Kubernetes client.
//
// # What it does not do
//
// It fetches no certificates (ACME) and asks nobody about revocation: use short
// lives instead.
package transport
