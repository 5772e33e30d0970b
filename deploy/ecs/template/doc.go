// Package template reads CloudFormation's YAML and works out its functions, as
// far as gantry.yaml uses them: deploy/e2e/delivery holds the template against
// the programs, deploy/e2e/standin runs what its task definitions say.
//
// CloudFormation's own libraries for Go describe types of resources and keep no
// functions (goformation), or want an account. goccy/go-yaml, which the project
// uses elsewhere, drops the tags.
//
// It creates nothing and knows no account: what a template refers to beyond its
// parameters is an error of [Values.Resolve].
package template
