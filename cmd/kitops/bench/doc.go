// Package bench measures the whole program beside the git CLI.
//
// It has benchmarks only, which take minutes and run the binary that
// KITOPS_BENCH names: see make bench.
package bench
