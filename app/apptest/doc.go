// Package apptest is a GitHub to test against, in the manner of net/http/httptest.
//
// It speaks GitHub's REST API, the web pages of the App manifest flow and git's smart HTTP protocol
// on one loopback listener, and it says no where GitHub says no: App JWTs and installation tokens are verified,
// permissions, repository selections, expiry and rate limits enforced. Tests, the demo and the benchmarks build its state
// by methods (AddOrg, AddRepository, RegisterApp, Install, Push), look at it from outside,
// and ask afterwards what was requested (Requests, Count) and what GitHub now holds (Statuses, Deliveries).
// It may lag like the real one, whose machines learn from each other within seconds (Lag), and Front is a network before it
// that falls silent.
//
// Unless told otherwise it holds every REST request and every answer against GitHub's own description (openapi.json).
// What goes against it is a violation; New fails the test for it.
//
// All methods may be used concurrently. Those that build state do not return errors:
// a mistake there (an unknown owner, git refusing) fails the test given to New and panics after Start.
package apptest
