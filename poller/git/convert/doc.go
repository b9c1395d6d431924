// Package convert turns a blob's content into a file's.
package convert
