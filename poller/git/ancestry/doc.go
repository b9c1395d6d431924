// Package ancestry walks from commits to their parents.
package ancestry
