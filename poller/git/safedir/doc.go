// Package safedir writes below a directory without ever following a link.
//
// It is the border that keeps a revision, and whoever else may write to a
// checkout, from reaching files outside of it. Each step goes down from a
// directory that is open, by one name: a link that was put in the way is an
// error, never a way out. No inode that was there before is written to, given
// away or changed in its mode, but directories of the tree that is written.
package safedir
