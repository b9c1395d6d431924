package webhook

import (
	"errors"
	"strings"
)

const (
	longestName = 100  // of an owner, or of a repository
	longestHost = 253  // RFC 1035
	longestRef  = 4096 // more is no name that somebody gave
)

var errRef = errors.New("its ref is malformed")

// isName tells whether s is OWNER or OWNER/NAME.
func isName(s string) bool {
	owner, name, both := strings.Cut(s, "/")
	return isSegment(owner) && (!both || isSegment(name))
}

func isSegment(s string) bool {
	return s != "" && len(s) <= longestName && s != "." && s != ".." && only(s, "_.-")
}

// isHost tells whether s is a host name or an address, with or without a port.
func isHost(s string) bool {
	host, port, found := strings.Cut(s, ":")
	if rest, bracketed := strings.CutPrefix(s, "["); bracketed {
		var closed bool
		if host, port, closed = strings.Cut(rest, "]"); !closed || len(host) < 2 || !hexadecimal(strings.NewReplacer(":", "", ".", "").Replace(host)) {
			return false
		}
		if port, found = strings.CutPrefix(port, ":"); !found && port != "" {
			return false
		}
	} else if !only(host, ".-") {
		return false
	}
	return host != "" && len(host) <= longestHost && (!found || port != "" && len(port) <= 5 && strings.Trim(port, "0123456789") == "")
}

// only tells whether s consists of letters and digits of ASCII and of these other characters.
func only(s, others string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(others, r)
	})
}

func hexadecimal(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// isSHA knows both object formats.
func isSHA(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// checkRef refuses what git-check-ref-format(1) does. What else is in a name, such as characters that are not seen, is
// escaped where it is shown.
func checkRef(ref string) error {
	if ref == "" {
		return nil
	}
	strange := func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(" ~^:?*[\\", r) }
	switch {
	case !strings.HasPrefix(ref, "refs/"), len(ref) > longestRef, strings.HasSuffix(ref, "."),
		strings.Contains(ref, ".."), strings.Contains(ref, "@{"), strings.ContainsFunc(ref, strange):
		return errRef
	}
	for part := range strings.SplitSeq(ref, "/") {
		if part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") {
			return errRef
		}
	}
	return nil
}
