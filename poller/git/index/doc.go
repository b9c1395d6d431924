// Package index is the format of Git's index file.
package index
