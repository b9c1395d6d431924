// Package store keeps versioned documents that change only by compare-and-swap.
//
// A document is one YAML mapping. Stores keep what it means, not how it was written: keys come back sorted, comments are dropped,
// and anchors, aliases, tags, merge keys and complex keys are refused, so that no document means more than it shows.
// [File] keeps all documents in one file that a person can read, and can be killed at any moment; [Memory] is for tests.
// Whether a document is the same as before is decided by its content: the version is a hash, and so survives the process.
package store
