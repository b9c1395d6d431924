// Package local reads a repository on this host.
package local
