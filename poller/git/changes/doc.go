// Package changes lists the paths that differ between two trees.
package changes
