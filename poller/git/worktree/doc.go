// Package worktree brings a directory to a tree.
package worktree
