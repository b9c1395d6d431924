// Package history keeps what ran.
//
// Runs, their actions and what happened beside them are rows of a SQLite database; what a run printed is a file of its own,
// byte by byte as it came, with a second file that says when. All of it is bounded ([Keep]) and may be lost at any time:
// a run never waits for the history, and never fails for it. Nothing is opened before there is something to write or to read.
package history
