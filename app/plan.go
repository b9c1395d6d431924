package app

import (
	"slices"
	"strings"
)

// plan sorts refs into what takes one request each: literal refs, and the prefixes (without refs/) that cover the
// patterns. What a prefix covers is not asked for again.
func plan(refs []string) (literals, prefixes []string, byDefault bool) {
	for _, ref := range refs {
		rest, full := strings.CutPrefix(ref, "refs/")
		switch meta := strings.IndexAny(rest, `*?[{\`); {
		case ref == "HEAD":
			byDefault = true
		case !full: // an exclusion
		case meta == 0:
			prefixes = append(prefixes, "heads/", "tags/")
		case meta > 0:
			prefixes = append(prefixes, rest[:meta])
		case strings.HasPrefix(rest, "heads/"): // of a tag only a listing has its own object
			literals = append(literals, ref)
		default:
			prefixes = append(prefixes, rest)
		}
	}
	slices.Sort(prefixes)
	var short []string
	for _, p := range prefixes {
		if len(short) == 0 || !strings.HasPrefix(p, short[len(short)-1]) {
			short = append(short, p)
		}
	}
	slices.Sort(literals)
	literals = slices.DeleteFunc(slices.Compact(literals), func(ref string) bool {
		return slices.ContainsFunc(short, func(p string) bool { return strings.HasPrefix(ref, "refs/"+p) })
	})
	return literals, short, byDefault
}

// requests is what one look costs, with one page for each prefix.
func requests(refs []string) int {
	literals, prefixes, byDefault := plan(refs)
	n := len(literals) + len(prefixes)
	if byDefault {
		n++
	}
	return max(n, 1)
}
