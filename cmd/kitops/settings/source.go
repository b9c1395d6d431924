package settings

import (
	"fmt"
	"io"
	"os"
)

// stdinFile is the task file that need not be a file.
const stdinFile = "/dev/stdin"

// readSource reads at most limit bytes of a task file. It refuses what may wait
// for a writer, such as a named pipe: the agent reads the file again on SIGHUP.
func readSource(path string, limit int64) ([]byte, error) {
	if path == stdinFile { // not by its name, which another user's pipe does not let in
		data, err := io.ReadAll(io.LimitReader(os.Stdin, limit))
		if err != nil {
			return nil, fmt.Errorf("read the task file from standard input: %w", err)
		}
		return data, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: a task file is a regular file, or %s; this is %s", path, stdinFile, kindOf(info.Mode()))
	}
	return readLimited(path, limit)
}

func kindOf(mode os.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&os.ModeNamedPipe != 0:
		return "a pipe"
	case mode&os.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}
