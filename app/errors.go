package app

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// ErrEmpty is the answer to a look at a repository without commits.
var ErrEmpty = errors.New("the repository is empty")

// ErrBusy is the answer to what is asked only while there is nothing better to ask.
var ErrBusy = errors.New("GitHub is asked for more important things")

// SetupError is something that stays wrong until a human mends it: at GitHub, in the configuration, or on this host.
type SetupError struct {
	Problem string // what is wrong
	Remedy  string // how to mend it
}

func (e *SetupError) Error() string { return e.Problem + ": " + e.Remedy }

// NotCoveredError says that no installation of the App reaches the repository, or that there is no such repository.
type NotCoveredError struct {
	SetupError
	Public bool // anyone may read it with git, without credentials
}

// Unwrap makes it a SetupError.
func (e *NotCoveredError) Unwrap() error { return &e.SetupError }

// PermissionError says that the installation does not grant a permission.
type PermissionError struct {
	SetupError
	Permission string // contents, statuses
}

// Unwrap makes it a SetupError.
func (e *PermissionError) Unwrap() error { return &e.SetupError }

// MovedError says that another repository, or another owner, is behind the repository's address now.
type MovedError struct{ SetupError }

// Unwrap makes it a SetupError.
func (e *MovedError) Unwrap() error { return &e.SetupError }

// LimitError says that GitHub refuses all requests of an installation, or of the App itself, for a while.
type LimitError struct {
	Whose     string    // the installation on acme, or App 4242
	Until     time.Time // by this host's clock
	Secondary bool      // too fast, rather than too many in an hour
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("GitHub's rate limit for %s: paused until %s", e.Whose, e.Until.UTC().Format(time.RFC3339))
}

// DownError says that the API gave no usable answer: unreachable, too slow, 5xx or nonsense. It is never about a limit.
type DownError struct{ cause error }

func (e *DownError) Error() string { return "GitHub's API does not answer: " + e.cause.Error() }

func (e *DownError) Unwrap() error { return e.cause }

// RefusedError says that GitHub will never take a status or a check run. It wraps the reason.
type RefusedError struct{ cause error }

func (e *RefusedError) Error() string { return "GitHub refuses it: " + e.cause.Error() }

func (e *RefusedError) Unwrap() error { return e.cause }

// Missing tells whether GitHub does not know of what was to be changed.
func (e *RefusedError) Missing() bool {
	status, _ := answered(e.cause)
	return status == http.StatusNotFound
}

// answerError is any other answer that is no success.
type answerError struct {
	call    string
	status  int
	message string
}

func (e *answerError) Error() string {
	return fmt.Sprintf("%s: %d %s", e.call, e.status, e.message)
}

// answered returns the status and the message of an answerError, or zeros.
func answered(err error) (status int, message string) {
	if e, ok := errors.AsType[*answerError](err); ok {
		return e.status, e.message
	}
	return 0, ""
}

// besides hides the status of an answer to a request that was made on the way to another one, lest it be taken for
// the other's answer.
func besides(err error) error {
	if e, ok := errors.AsType[*answerError](err); ok {
		return errors.New(e.Error())
	}
	return err
}

// inaccessible tells GitHub's 403 for a missing permission from its other ones.
func inaccessible(err error) bool {
	status, message := answered(err)
	return status == http.StatusForbidden && strings.Contains(message, "not accessible by integration")
}

func suspended(err error) bool {
	status, message := answered(err)
	return status == http.StatusForbidden && strings.Contains(message, "suspended")
}

// shutOut knows the 403 of an organization whose list of addresses does not have this host's.
func shutOut(err error) bool {
	status, message := answered(err)
	return status == http.StatusForbidden && strings.Contains(message, "IP allow list")
}

// quote makes words of a server fit for an error: one short line without secrets and control characters.
func quote(s string) string {
	const most = 300
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, Redact(s))
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
