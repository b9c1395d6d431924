// Package metrics tells numbers of an agent at an address of its own, in the text format that Prometheus reads.
//
// An observer counts what happens; all else is read when somebody asks. The
// format is written here rather than by prometheus/client_golang, whose
// packages and those under them cost every kitops command a fifth more CPU
// before main, metrics or not. That the text is right its parser and linter say in the tests.
package metrics
