package refs

import (
	"strings"
	"unicode/utf8"
)

// MaxName is how many bytes the name of a ref may have: no file system of git
// takes more, and a server that sends more wants memory.
const MaxName = 4096

// Valid says whether a ref may have this name: git-check-ref-format(1), in
// UTF-8, so that the state, the log and GitHub can hold it.
func Valid(name string) bool {
	if !strings.HasPrefix(name, "refs/") || len(name) > MaxName || !utf8.ValidString(name) {
		return false
	}
	if strings.HasSuffix(name, ".") || strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return false
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == 0x7f || strings.IndexByte(`~^:?*[\`, c) >= 0 {
			return false
		}
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment[0] == '.' || strings.HasSuffix(segment, ".lock") {
			return false
		}
	}
	return true
}
