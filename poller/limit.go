package poller

import (
	"fmt"

	"github.com/bittrance/kitops/poller/git"
)

// Limit is a number of bytes; 0 is the default, off is negative.
type Limit git.Size

// UnmarshalText understands sizes and off.
func (l *Limit) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*l = -1
		return nil
	}
	if err := (*git.Size)(l).UnmarshalText(text); err != nil {
		return fmt.Errorf("%q is no size (write 500MB, 4GB or off)", text)
	}
	return nil
}

// MarshalText is String.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

func (l Limit) String() string {
	switch {
	case l < 0:
		return "off"
	case l == 0:
		return ""
	}
	return git.Size(l).String()
}

// Of is what the limit is on a file system.
func (l Limit) Of(space git.Space) int64 {
	switch {
	case l < 0:
		return 0
	case l == 0:
		return int64(space.Total / 10)
	}
	return int64(l)
}
