package app

import (
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	tolerance   = 5 * time.Second  // of Date, which has whole seconds and travels
	skewWarning = 30 * time.Second // GitHub forgives a JWT 60 s
)

// clock is GitHub's, told from the Date of its answers. The zero offset is this host's own.
type clock struct {
	log    *slog.Logger
	offset atomic.Int64 // GitHub's time minus ours
	warned atomic.Bool
}

func (c *clock) skew() time.Duration { return time.Duration(c.offset.Load()) }

func (c *clock) now() time.Time { return time.Now().Add(c.skew()) }

// local turns a time of GitHub's into one of this host.
func (c *clock) local(t time.Time) time.Time { return t.Add(-c.skew()) }

// learn reads the clock from an answer to a request sent at that time. Slow answers tell too little.
func (c *clock) learn(h http.Header, sent time.Time) {
	now := time.Now()
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || now.Sub(sent) > tolerance {
		return
	}
	offset := date.Add(500 * time.Millisecond).Sub(now).Round(time.Second)
	if offset.Abs() < tolerance {
		offset = 0
	}
	c.offset.Store(int64(offset))
	switch {
	case offset.Abs() <= skewWarning:
		c.warned.Store(false)
	case !c.warned.Swap(true):
		c.log.Warn("this host's clock is off, GitHub's is used for credentials: set up time synchronisation",
			"seconds", int64(offset.Abs()/time.Second), "behind", offset > 0)
	}
}

// translate puts the reset of the rate limit into this host's time, in which go-github compares it.
func (c *clock) translate(h http.Header) {
	const reset = "X-RateLimit-Reset"
	seconds, err := strconv.ParseInt(h.Get(reset), 10, 64)
	if err == nil && c.skew() != 0 {
		h.Set(reset, strconv.FormatInt(c.local(time.Unix(seconds, 0)).Unix(), 10))
	}
}
