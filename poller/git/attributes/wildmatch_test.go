package attributes

import (
	"regexp"
	"strings"
	"testing"
)

// TestWildmatchAll tries all short patterns on all short paths.
func TestWildmatchAll(t *testing.T) {
	var paths []string
	for _, path := range words("ab/", 6) {
		if path != "" && !strings.HasPrefix(path, "/") && !strings.HasSuffix(path, "/") && !strings.Contains(path, "//") {
			paths = append(paths, path)
		}
	}
	for _, pattern := range words("a*?/", 5) {
		var want strings.Builder
		for rest := pattern; rest != ""; {
			stars := len(rest) - len(strings.TrimLeft(rest, "*"))
			begin := len(rest) == len(pattern) || pattern[len(pattern)-len(rest)-1] == '/'
			switch {
			case stars > 1 && begin && stars == len(rest):
				want.WriteString(".*")
			case stars > 1 && begin && rest[stars] == '/':
				want.WriteString("(.*/)?")
				stars++
			case stars > 0:
				want.WriteString("[^/]*")
			default:
				stars = 1
				want.WriteString(strings.ReplaceAll(rest[:1], "?", "[^/]"))
			}
			rest = rest[stars:]
		}
		is := regexp.MustCompile("^" + want.String() + "$")
		for _, path := range paths {
			w := wildmatch{Steps: 1000}
			if w.match(pattern, []byte(path)) != is.MatchString(path) {
				t.Errorf("%q matches %q: %v", pattern, path, !is.MatchString(path))
			}
		}
	}
}

// words are all of some letters up to a length.
func words(letters string, length int) []string {
	all := []string{""}
	for begin := 0; length > 0; length-- {
		end := len(all)
		for _, word := range all[begin:end] {
			for _, letter := range letters {
				all = append(all, word+string(letter))
			}
		}
		begin = end
	}
	return all
}

// TestWildmatchTime has patterns that take forever where every way is tried.
func TestWildmatchTime(t *testing.T) {
	name := []byte(strings.Repeat("aaaa/", 800) + "a")
	for _, pattern := range []string{
		strings.Repeat("*a", 900) + "b", strings.Repeat("**/", 600) + "b", strings.Repeat("**/a*", 400) + "b", strings.Repeat("*/", 1000) + "b",
		strings.Repeat("**/*a", 400) + "/b", strings.Repeat("a*", 1000) + "/**/b", strings.Repeat("[a-z]*", 300) + "[", strings.Repeat(`**\/`, 400) + "b",
		strings.Repeat("?*", 1000), "**/" + strings.Repeat("aaaa/", 390) + "b", "**/" + strings.Repeat("*a/", 600) + "b",
	} {
		w := wildmatch{Steps: maxSteps}
		if w.match(pattern, name) {
			t.Errorf("%.20s matches", pattern)
		}
		if w.Steps < maxSteps-1<<27 {
			t.Errorf("%.20s takes %d steps", pattern, maxSteps-w.Steps)
		}
	}
}
