// Package store keeps versioned documents that change only by compare-and-swap.
//
// Package document, below, says what a document is. Package file keeps them in one file of this host, bucket in objects
// that many instances share; [Memory] is for tests. Whether a document is the same as before is decided by its content: its
// version is a hash of that, and so survives the process.
//
// Package lease, below, has documents change hands between instances that share a store.
package store
