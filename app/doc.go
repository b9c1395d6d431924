// Package app is the GitHub App. It takes credentials to tokens, looks at heads cheaply and posts commit statuses.
//
// An App hands out one Repository for each repository on its host. All that a
// Repository does goes through the App's installation on the owner, which is
// looked up once and shared: one token, one budget of requests, one pause.
// Requests of the App itself (by JWT) have a budget of their own.
//
// # What it promises
//
// Tokens and JWTs go to the API's own host only, over https or to loopback,
// and appear in no error and no log. At most 4 requests of an installation
// are in flight and 800 points spent in any minute. What GitHub refuses is
// asked again after growing pauses, never in a hot loop.
//
// # Errors
//
// DownError: the API does not answer, git itself may. LimitError: GitHub
// wants to be left alone until a time. RefusedError: a status will never be
// taken. ErrEmpty: nothing was pushed yet. Everything a human has to mend is
// or wraps a SetupError, which says how: NotCoveredError, PermissionError and
// MovedError are those that a caller may want to tell apart.
package app
