// Package file keeps all documents in one file that a person can read.
//
// The file is under a kernel lock of one process, which can be killed at any moment: a crash leaves the file as it was
// before a save or as it is after.
package file
