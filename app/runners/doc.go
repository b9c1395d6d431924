// Package runners runs the jobs of GitHub Actions that wait for a scale set.
//
// A [Set] registers its scale set, holds its message session, and keeps as many
// single-use runners running as there are jobs for it. How a process is started
// and where things are saved it is handed.
//
// The protocol is spoken here and not by GitHub's client, github.com/actions/scaleset:
// that would link in two libraries under the MPL, takes no credentials but an App's
// whole private key or a fixed token, and holds a lock during a poll, so that
// nothing could be acquired or closed meanwhile.
package runners
