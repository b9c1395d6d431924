package files

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// MountBelow returns a mount point in or at dir, or "". The kernel's list has
// bind mounts too, which share the device of what is around them.
func MountBelow(dir string) (string, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("read the list of mounts: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 { // proc(5): the fifth is the mount point, with \040 for a space
			continue
		}
		point, err := strconv.Unquote(`"` + strings.ReplaceAll(fields[4], `"`, `\"`) + `"`)
		if err != nil {
			continue
		}
		if point == dir || strings.HasPrefix(point, dir+"/") {
			return point, nil
		}
	}
	return "", lines.Err()
}
