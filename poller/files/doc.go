// Package files does to the file system what kitops must never get wrong.
//
// [RemoveTree] removes a folder that actions have worked in: it ends with its
// context and stays on this side of every mount. [Dir] is a directory of
// kitops' own, held open: nothing in it is reached through a link, and root
// refuses one that another user could change. [Stamp] tells whether a file is
// still the one that was read.
//
// It imports nothing of kitops, and everything of kitops may import it.
package files
