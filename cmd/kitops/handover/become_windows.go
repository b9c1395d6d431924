package handover

import (
	"errors"

	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

// canBecome tells whether a process can execute another program in its place.
const canBecome = false

// become cannot do what it says: the service manager starts the other program.
func (*Start) become(*Heir) error {
	return errors.New("start kitops again, another version is in its place")
}

// Received takes nothing: this process became no other program.
func Received(environ []string) ([]string, wiring.Handed) { return environ, wiring.Handed{} }
