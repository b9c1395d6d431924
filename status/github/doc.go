// Package github tells GitHub how a run stands.
//
// What is told stays in the state until it has arrived; the poller sees to that. Reporter makes of it commit statuses or
// check runs, whichever the task asks for and the App's installation grants. A commit keeps the kind that it began with.
package github
