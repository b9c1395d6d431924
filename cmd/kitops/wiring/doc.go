// Package wiring makes an agent out of settings.
//
// Here meet the libraries that do not know each other: the settings say what a
// task is, app what GitHub allows and knows of its repository, poller/git what
// the repository holds, and webhook when to look. The functions that a
// poller.Task asks on the way of a revision (heads, identity, checkout, plan,
// grant) and those that tell of it (nudges, reports) are made here. Nothing in
// this package needs a process: arguments, environment and signals stay in main.
package wiring
