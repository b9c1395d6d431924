// Package hosts compares addresses. They are those of hosts, of repositories, or of clients that share a listener.
//
// It imports nothing of kitops, and everything of kitops may import it.
package hosts
