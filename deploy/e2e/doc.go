// Package e2e holds the tests of the project as a whole: whole installations
// that are killed, grown and shrunk, the lines that the README prints, and the
// rules on imports, names and comments that no compiler enforces. It builds
// the programs and runs them as processes; it has no code of its own.
package e2e
