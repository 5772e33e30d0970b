// Package secretenv hands a program secrets that its platform keeps in
// environment variables, as ECS does, where the program reads files.
//
// A flag --plate-key-file takes the path of a file. Where neither it nor
// GANTRY_PLATE_KEY_FILE is given and GANTRY_PLATE_KEY is, the content of that
// variable is put into an anonymous file in memory and the flag gets its path.
// It needs no folder to write to, so that a root file system may be read-only,
// and no flag of its own for each secret. The variable is removed, so that no
// child process and no dump of the environment shows it.
//
// It lies beside the protos because agent and collector share it, and must not
// import each other.
//
// It does not watch: whoever rotates such a secret starts the program again.
package secretenv
