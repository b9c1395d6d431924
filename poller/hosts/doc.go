// Package hosts compares addresses. They are those of hosts or of repositories.
//
// It imports nothing of kitops, and everything of kitops may import it.
package hosts
