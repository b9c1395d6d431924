// Package remote speaks with one Git server.
package remote
