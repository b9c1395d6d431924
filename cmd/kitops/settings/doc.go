// Package settings is what a user asks for. Flags, variables or the task file
// say it.
//
// Options are the flags with their variables; Load merges them over the
// defaults, reads the task file and judges the whole. It reports every mistake
// at once, in the words and at the place where the user wrote it, and never
// repeats a value that may be a secret. Loading touches nothing but the files
// that are named, and reads only.
package settings
