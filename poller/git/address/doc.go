// Package address parses the address of a repository.
package address
