// Package disk knows what room a file system has.
package disk
