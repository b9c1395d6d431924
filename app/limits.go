package app

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
)

// What an installation may do, kept below what GitHub documents: 100 requests at once, 900 points and 80 posts a
// minute, 500 posts an hour.
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
const (
	inFlightMost    = 4
	pointsPerMinute = 800
	postsPerMinute  = 80
	postsPerHour    = 500

	progressPerMinute = 40 // posts of a minute and an hour, of any class, beyond which no progress is shown
	progressPerHour   = 250

	readPoints  = 1
	writePoints = 5

	firstPause = time.Minute // after a secondary limit that does not say how long
	longPause  = 15 * time.Minute
)

// class tells who goes first, and what counts as a post.
type class int

const (
	final     class = iota // a status that ends a run; goes before all else
	ordinary               // looks, tokens and all else
	pending                // a status that announces a run
	deploying              // a deployment, its states, and a comment
	progress               // how far a run has come: only while nothing else is asked
)

// before tells whether a class goes in front of another.
func (c class) before(other class) bool { return c.rank() < other.rank() }

func (c class) rank() int {
	switch c {
	case final:
		return 0
	case deploying:
		return 2
	case progress:
		return 3
	}
	return 1
}

func points(method string) int {
	if method == http.MethodGet || method == http.MethodHead {
		return readPoints
	}
	return writePoints
}

// limitOf recognises every way in which GitHub says that it is too much; Until is zero when it does not say until when.
// go-github takes no 429 for a limit, and knows a secondary one only by its link to the documentation.
func limitOf(resp *http.Response, err error) *LimitError {
	if e, ok := errors.AsType[*github.RateLimitError](err); ok {
		return &LimitError{Until: afterReset(e.Rate.Reset.Time)}
	}
	status := resp.StatusCode
	if err == nil || status != http.StatusForbidden && status != http.StatusTooManyRequests {
		return nil
	}
	if until, ok := retryAfter(resp.Header); ok {
		return &LimitError{Until: until, Secondary: true}
	}
	if resp.Header.Get("X-RateLimit-Remaining") == "0" {
		if seconds, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return &LimitError{Until: afterReset(time.Unix(seconds, 0))}
		}
	}
	_, abuse := errors.AsType[*github.AbuseRateLimitError](err)
	message := strings.ToLower(messageOf(err))
	if abuse || status == http.StatusTooManyRequests || strings.Contains(message, "rate limit") || strings.Contains(message, "abuse detection") {
		return &LimitError{Secondary: true}
	}
	return nil
}

// afterReset adds the second that the reset is rounded by.
func afterReset(t time.Time) time.Time { return t.Add(time.Second) }

// retryAfter reads both forms of RFC 9110, section 10.2.3.
func retryAfter(h http.Header) (time.Time, bool) {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds >= 0 {
		return time.Now().Add(time.Duration(seconds) * time.Second), true
	}
	t, err := http.ParseTime(value)
	if err != nil {
		return time.Time{}, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil { // counted from the answer, whatever our clock says
		return time.Now().Add(t.Sub(date)), true
	}
	return t, true
}
