// Package delivery holds the tests of what Gantry is delivered and operated
// with: the ECS template, images, the compose file, workflows, alert rules and
// the dashboard. None needs an account or the network beyond package indexes.
//
// Programs that know the formats judge them (cfn-lint, moto, podman-compose,
// zizmor; make lint has actionlint and promtool). What those skip is asserted here on the parsed
// files, and each name of a flag, variable or metric in them is held against
// what the programs of this tree really have.
package delivery
