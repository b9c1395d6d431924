// Package lfs fetches the contents that pointer files of Git LFS stand for.
//
// It speaks the batch API with the transfer basic, as
// https://github.com/git-lfs/git-lfs/tree/main/docs/api has it, and trusts
// nothing that a server says: what it is asked for has a size and a SHA-256,
// and nothing else is taken. What goes with the question stays at the server
// that was asked; what the answer gives for an object goes to the address of
// that object, and no further.
package lfs
