package webhook

import (
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"github.com/bittrance/kitops/poller/hosts"
)

// TaskHealth is how the looks of a task go.
type TaskHealth struct {
	Name     string
	Looked   bool      // at least once since the agent started, well or not
	LastLook time.Time // when the latest look began
	NextLook time.Time // when the next is due
	Late     bool      // it is not looked at on time
	Behind   bool      // nobody of those that share the work looks at it on time
	Problem  string    // of the latest look; empty: none
	Failing  time.Time // since when looks fail; zero: not known, or they do not
}

// health is the answer's body. Only clients on this machine see Details, which hold names.
type health struct {
	Status  string       `json:"status"`
	Tasks   int          `json:"tasks"`
	Waiting int          `json:"waiting"` // for their first look
	Late    int          `json:"late"`
	Behind  int          `json:"behind,omitempty"`        // no instance looks at on time
	Failing int          `json:"failing"`                 // looks fail
	Since   *time.Time   `json:"failing_since,omitempty"` // of the task whose looks have failed for longest
	Details []taskDetail `json:"details,omitempty"`
}

type taskDetail struct {
	Name     string     `json:"name"`
	Looked   bool       `json:"looked"`
	Late     bool       `json:"late"`
	Behind   bool       `json:"behind,omitempty"`
	LastLook *time.Time `json:"last_look,omitempty"`
	NextLook *time.Time `json:"next_look,omitempty"`
	Problem  string     `json:"problem,omitempty"`
	Failing  *time.Time `json:"failing_since,omitempty"`
}

func (s *Server) healthz(c echo.Context) error {
	h := s.health(c)
	return report(c, h, h.Late == 0, "late")
}

func (s *Server) readyz(c echo.Context) error {
	h := s.health(c)
	return report(c, h, h.Waiting == 0, "waiting")
}

func report(c echo.Context, h health, well bool, otherwise string) error {
	status := http.StatusOK
	h.Status = "ok"
	if !well {
		status, h.Status = http.StatusServiceUnavailable, otherwise
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(status, h)
}

func (s *Server) health(c echo.Context) health {
	local := isLocal(c)
	var h health
	var since time.Time
	for _, t := range s.o.Health() {
		h.Tasks++
		if !t.Looked {
			h.Waiting++
		}
		if t.Late {
			h.Late++
		}
		if t.Behind {
			h.Behind++
		}
		if t.Problem != "" {
			h.Failing++
			if !t.Failing.IsZero() && (since.IsZero() || t.Failing.Before(since)) {
				since = t.Failing
			}
		}
		if local {
			h.Details = append(h.Details, taskDetail{
				printable(t.Name), t.Looked, t.Late, t.Behind, known(t.LastLook), known(t.NextLook), printable(t.Problem), known(t.Failing),
			})
		}
	}
	h.Since = known(since)
	return h
}

// isLocal tells whether the client is on this machine, and calls it by a name of this machine: a page from elsewhere may let
// its own name point here. What a proxy sends on is not from here, also when nobody named the proxy; one that says nothing
// of itself gives itself away by the old HTTP that nginx speaks unless it is told otherwise.
func isLocal(c echo.Context) bool {
	r := c.Request()
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || !hosts.Loopback(host) {
		return false
	}
	for _, header := range []string{
		"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Real-Ip",
		"True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Original-Forwarded-For",
	} {
		if len(r.Header.Values(header)) > 0 {
			return false
		}
	}
	return r.ProtoAtLeast(1, 1) && hosts.LoopbackAt(r.Host)
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// printable replaces what could change how a terminal shows the rest.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
