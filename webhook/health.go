package webhook

import (
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
	Problem  string    // of the latest look; empty: none
}

// health is the answer's body. Only clients on this machine see Details, which hold names.
type health struct {
	Status  string       `json:"status"`
	Tasks   int          `json:"tasks"`
	Waiting int          `json:"waiting"` // for their first look
	Late    int          `json:"late"`
	Failing int          `json:"failing"`
	Details []taskDetail `json:"details,omitempty"`
}

type taskDetail struct {
	Name     string     `json:"name"`
	Looked   bool       `json:"looked"`
	Late     bool       `json:"late"`
	LastLook *time.Time `json:"last_look,omitempty"`
	NextLook *time.Time `json:"next_look,omitempty"`
	Problem  string     `json:"problem,omitempty"`
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
	for _, t := range s.o.Health() {
		h.Tasks++
		if !t.Looked {
			h.Waiting++
		}
		if t.Late {
			h.Late++
		}
		if t.Problem != "" {
			h.Failing++
		}
		if local {
			h.Details = append(h.Details, taskDetail{
				printable(t.Name), t.Looked, t.Late, known(t.LastLook), known(t.NextLook), printable(t.Problem),
			})
		}
	}
	return h
}

// isLocal tells whether the client is on this machine. A request that was forwarded by a proxy nobody named is not.
func isLocal(c echo.Context) bool {
	address := c.RealIP()
	if !hosts.Loopback(address) {
		return false
	}
	direct := echo.ExtractIPDirect()(c.Request())
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
		if c.Request().Header.Get(header) != "" && address == direct {
			return false
		}
	}
	return true
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
