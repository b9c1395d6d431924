// Package sparse says which files of a revision are checked out.
//
// It decides as git sparse-checkout does, in both of its forms: a list of
// directories (cone), or of patterns.
package sparse
