// Package gitmodules reads .gitmodules.
package gitmodules
