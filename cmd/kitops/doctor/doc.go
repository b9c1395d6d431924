// Package doctor tries what a run needs.
//
// It prints one line for each thing, in the order in which a run would meet
// them: ok, warn or FAIL, then the remedy. It leaves nothing behind.
package doctor
