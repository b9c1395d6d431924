//go:build unix

package status

import "os"

// showsEscapes tells whether a terminal understands escape sequences.
func showsEscapes(*os.File) bool { return true }
