package refs

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// maxRange is how long a range of versions may be, in bytes.
const maxRange = 256

// Versions select, of all tags that are versions, the highest one.
type Versions struct {
	Range      string // such as >=1 <2
	Match      string // a tag, in which * stands for the version
	Prerelease bool   // 1.0.0-rc.1 is a version, too

	before, after string // what is around the version
	constraint    *semver.Constraints
}

// prereleaseBound finds one in a range. A range such as 1.2 - 1.4 has none.
var prereleaseBound = regexp.MustCompile(`[0-9xX*]-[0-9A-Za-z]`)

// NewVersions checks what selects versions. Without a match every tag may be one.
func NewVersions(versions, match string, prerelease bool) (*Versions, error) {
	v := &Versions{Range: versions, Match: cmp.Or(match, "*"), Prerelease: prerelease}
	var found bool
	v.before, v.after, found = strings.Cut(v.Match, "*")
	switch {
	case !found || strings.ContainsAny(v.before+v.after, `*?[{\`):
		return nil, fmt.Errorf("match: %q has not exactly one *, which stands for the version", v.Match)
	case len(versions) > maxRange:
		return nil, fmt.Errorf("semver: longer than %d bytes", maxRange)
	case strings.TrimSpace(versions) == "":
		return nil, errors.New("semver: empty; * is every version")
	case prereleaseBound.MatchString(versions) && !prerelease:
		return nil, fmt.Errorf("semver: %q names a prerelease, of which there are none without prerelease: true", versions)
	}
	if err := v.Patterns().Validate(); err != nil {
		return nil, fmt.Errorf("match: %w", err)
	}
	var err error
	if v.constraint, err = semver.NewConstraint(versions); err != nil {
		return nil, fmt.Errorf("semver: %q is no range of versions such as >=1 <2: %w", versions, err)
	}
	v.constraint.IncludePrerelease = prerelease
	return v, nil
}

// Patterns select the tags that may be versions.
func (v *Versions) Patterns() Patterns { return Patterns{"refs/tags/" + v.before + "*" + v.after} }

// String is what is looked for, in words.
func (v *Versions) String() string {
	what := "version " + v.Range
	if v.Match != "*" {
		what += " named " + v.Match
	}
	return what
}

// Of is the version that a tag names by Semantic Versioning 2.0.0, with a v before it or
// not; nil for none, and for one that is not selected.
func (v *Versions) Of(ref string) *semver.Version { return v.selected(v.parse(ref)) }

func (v *Versions) selected(version *semver.Version) *semver.Version {
	if version == nil || version.Prerelease() != "" && !v.Prerelease || !v.constraint.Check(version) {
		return nil
	}
	if version.Prerelease() != "" { // 2.0.0-rc.1 is before 2.0.0, and yet nobody means it by <2
		if release, err := version.SetPrerelease(""); err != nil || !v.constraint.Check(&release) {
			return nil
		}
	}
	return version
}

// parse reads a version, whether it is selected or not. Masterminds alone takes
// dates and leading zeros for versions: its strict form takes neither.
func (v *Versions) parse(ref string) *semver.Version {
	name, tag := strings.CutPrefix(ref, "refs/tags/"+v.before)
	text, whole := strings.CutSuffix(name, v.after)
	if !tag || !whole {
		return nil
	}
	version, err := semver.StrictNewVersion(strings.TrimPrefix(text, "v"))
	if err != nil {
		return nil
	}
	return version
}

// Choice is what Versions select among tags.
type Choice struct {
	Tag    Revision   // the highest one; without a SHA where that is the present one, and gone; without a ref: there is none
	Equals []Revision // the others that differ from it in build metadata only
	Others int        // tags that are no versions
}

// Choose selects the highest version, which is never a lower one than that at present, a
// ref or "". Of versions that differ in build metadata only, one that has appeared since
// is the higher one: passed tells which have been there before.
func (v *Versions) Choose(tags List, present string, passed func(ref string) bool) Choice {
	var c Choice
	at := v.Of(present)
	top, equals := at, List(nil)
	for _, tag := range slices.Backward(tags) { // later names are mostly higher versions, so that few are compared with the range
		switch version := v.parse(tag.Ref); {
		case version == nil:
			c.Others++
		case top != nil && version.LessThan(top), v.selected(version) == nil:
		case top == nil || version.GreaterThan(top):
			top, equals = version, List{tag}
		default:
			equals = append(equals, tag)
		}
	}
	slices.Reverse(equals)
	c.Tag, c.Equals = v.first(equals, at != nil && top == at, present, passed)
	return c
}

// first is the one of equal versions that counts, and the others. While the present
// one is among them, only one that has not been passed takes its place.
func (v *Versions) first(equals List, stays bool, present string, passed func(ref string) bool) (first Revision, others []Revision) {
	if stays {
		first.Ref = present
		first.SHA, _ = equals.Find(present)
	}
	newest := Revision{}
	for _, tag := range equals {
		if stays && (tag.Ref == present || passed(tag.Ref)) {
			continue
		}
		if newest.Ref == "" || v.newer(tag.Ref, newest.Ref) {
			newest = tag
		}
	}
	if newest.Ref != "" {
		first = newest
	}
	for _, tag := range equals {
		if tag.Ref != first.Ref {
			others = append(others, tag)
		}
	}
	return first, others
}

// newer orders versions that differ in build metadata only, which have no order of their
// own: numbers by their size, all else as text.
func (v *Versions) newer(a, b string) bool {
	one, other := v.parse(a), v.parse(b)
	if one == nil || other == nil {
		return a > b
	}
	left, right := strings.Split(one.Metadata(), "."), strings.Split(other.Metadata(), ".")
	for i := range min(len(left), len(right)) {
		x, errX := strconv.ParseUint(left[i], 10, 64)
		y, errY := strconv.ParseUint(right[i], 10, 64)
		order := strings.Compare(left[i], right[i])
		if errX == nil && errY == nil {
			order = cmp.Or(cmp.Compare(x, y), order)
		}
		if order != 0 {
			return order > 0
		}
	}
	return cmp.Or(cmp.Compare(len(left), len(right)), strings.Compare(a, b)) > 0
}
