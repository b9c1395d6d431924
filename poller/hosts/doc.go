// Package hosts compares hosts and repositories by their addresses.
//
// It imports nothing of kitops, and everything of kitops may import it.
package hosts
